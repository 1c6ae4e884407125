import { writeFileSync } from 'node:fs';

/** Replaces the worker of `ReportPool`. The report's type selects whether it fails, hangs or exits. */
export default function generate({ tasks, filePath }) {
  return tasks.map((task) => ({ ...generateOne(task, filePath), tookMs: 1 }));
}

function generateOne({ type, params }, filePath) {
  switch (type) {
    case 'wait':
      // Waits until the test opens the gate in the main thread.
      Atomics.wait(new Int32Array(params.gate), 0, 0);
      return { outcome: { result: '{}', fileKey: null } };
    case 'die':
      return process.exit(1);
    case 'fail-half-way':
      writeFileSync(filePath, 'half a rep');
      return { failure: { blame: 'report', message: 'Generating failed' } };
    default:
      return { outcome: { result: JSON.stringify({ type }), fileKey: null } };
  }
}
