import digest from '../../reports/types/digest.js';

/** Makes digests for so long, and tells how many a second. */
const [, , iterations, forMs] = process.argv.map(Number) as [number, number, number, number];
const context = {
  requestId: '',
  fileId: '',
  format: 'json',
  openFile: () => {
    throw new Error('A digest has no file');
  },
};
let made = 0;
const startMs = performance.now();
while (performance.now() - startMs < forMs) {
  await digest.build({ input_data: 'benchmark', iterations }, context);
  made++;
}
process.send?.((made / (performance.now() - startMs)) * 1_000);
process.disconnect?.();
