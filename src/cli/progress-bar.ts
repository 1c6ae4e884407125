import type { WriteStream } from 'node:tty';

export interface Progress {
  add: (count: number) => void;
  end: () => void;
}

const WIDTH = 30;
const REDRAW_MS = 100;

/** A bar that is drawn in place on a terminal; elsewhere, a line for each tenth of the whole. */
export function progressBar(
  whole: number,
  unit: string,
  out: Pick<WriteStream, 'isTTY'> & { write: (text: string) => unknown },
): Progress {
  const startMs = performance.now();
  let [done, drawnMs, tenths] = [0, 0, 0];
  const line = (): string => {
    const share = Math.min(1, done / whole);
    const bar = '#'.repeat(Math.round(share * WIDTH)).padEnd(WIDTH, '.');
    const perS = Math.round((done * 1_000) / (performance.now() - startMs));
    const counted = `${done.toLocaleString('en')} of ${whole.toLocaleString('en')} ${unit}`;
    return `[${bar}] ${String(Math.floor(share * 100)).padStart(3)}% ${counted}, ${perS.toLocaleString('en')}/s`;
  };
  return {
    add: (count) => {
      done += count;
      if (!out.isTTY) {
        const now = Math.floor((done / whole) * 10);
        if (now > tenths) out.write(`${line()}\n`);
        tenths = now;
      } else if (performance.now() - drawnMs > REDRAW_MS || done >= whole) {
        drawnMs = performance.now();
        out.write(`\r${line()}\u001b[K`);
      }
    },
    end: () => {
      if (out.isTTY && drawnMs > 0) out.write('\n');
    },
  };
}
