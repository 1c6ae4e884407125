/** One measured figure. */
export interface Measurement {
  title: string;
  result: string;
  /** The limit that the figure should keep. */
  target?: string;
}
