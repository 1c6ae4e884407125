const tasks: (() => void)[] = [];
let immediate: NodeJS.Immediate | undefined;

function run(): void {
  immediate = undefined;
  for (const task of tasks.splice(0)) task();
}

/**
 * To be called for what was read from a socket: runs a task in the same turn of the event loop, behind every `setImmediate` of
 * all that was read in it. A task must not throw.
 */
export function atEndOfTurn(task: () => void): void {
  tasks.push(task);
  process.nextTick(() => {
    clearImmediate(immediate);
    immediate = setImmediate(run);
  });
}
