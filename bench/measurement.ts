/** One measurement in a line, and what it was compared with. */
export interface Measurement {
  title: string;
  result: string;
  /** What it is meant to be. */
  target?: string;
}
