/** The positions of requests in their lanes; `jobs/` implements it. */
export abstract class LanePositions {
  /**
   * Counts the unfinished requests of a lane before a position.
   * @param queuePosition The position of an unfinished request.
   */
  abstract jobsAhead(lane: string, queuePosition: number): Promise<number>;
}
