/** A client that has waited this long gets no answer. */
const ANSWER_TIMEOUT_MS = 5_000;

/** An answer to a client. The status is null if there was none in time, or none that is JSON. */
export interface Answer {
  status: number | null;
  // oxlint-disable-next-line typescript/no-explicit-any -- JSON, whatever it holds
  body: any;
}

/** Sends a request, which may get lost. */
export async function ask(url: string, init: RequestInit): Promise<Answer> {
  try {
    const response = await fetch(url, { ...init, signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) });
    return { status: response.status, body: await response.json() };
  } catch {
    return { status: null, body: null };
  }
}
