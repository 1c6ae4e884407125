/** Timeout of one request. */
const ANSWER_TIMEOUT_MS = 5_000;

/** The response to a client. The status is null if no response with a JSON body arrived before the timeout. */
export interface Answer {
  status: number | null;
  // oxlint-disable-next-line typescript/no-explicit-any -- any JSON
  body: any;
}

/** Sends a request and returns the response. Never throws: a lost request has the status null. */
export async function ask(url: string, init: RequestInit): Promise<Answer> {
  try {
    const response = await fetch(url, { ...init, signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) });
    return { status: response.status, body: await response.json() };
  } catch {
    return { status: null, body: null };
  }
}
