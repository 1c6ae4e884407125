const tasks: (() => void)[] = [];
let immediate: NodeJS.Immediate | undefined;

function run(): void {
  immediate = undefined;
  for (const task of tasks.splice(0)) task();
}

/**
 * Runs a task in this turn of the event loop, behind every `setImmediate` of whoever calls this, and of those who were called
 * by what was read in the same turn. A task must not throw.
 */
export function atEndOfTurn(task: () => void): void {
  tasks.push(task);
  process.nextTick(() => {
    clearImmediate(immediate);
    immediate = setImmediate(run);
  });
}
