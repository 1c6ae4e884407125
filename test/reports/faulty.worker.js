import { writeFileSync } from 'node:fs';

/** In the place of the worker of `ReportPool`: fails, hangs or dies, as the report's type says. */
export default function generate({ tasks, filePath }) {
  return tasks.map((task) => ({ ...generateOne(task, filePath), tookMs: 1 }));
}

function generateOne({ type, params }, filePath) {
  switch (type) {
    case 'wait':
      // Until the test opens the gate; the other end of it is in the main thread.
      Atomics.wait(new Int32Array(params.gate), 0, 0);
      return { outcome: { result: '{}', fileKey: null } };
    case 'die':
      return process.exit(1);
    case 'fail-half-way':
      writeFileSync(filePath, 'half a rep');
      return { failure: { blame: 'report', message: 'It did not work' } };
    default:
      return { outcome: { result: JSON.stringify({ type }), fileKey: null } };
  }
}
