/** A problem that the API answered (RFC 9457). */
export interface Problem {
  title: string;
  status: number;
  detail: string;
  type?: string;
  errors?: { path: string; message: string }[];
  request_id?: string;
}

/** A problem as an error. */
export class ApiError extends Error implements Problem {
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly errors?: Problem['errors'];
  readonly request_id?: string;

  constructor({ title, status, detail, errors, request_id }: Problem) {
    super(detail);
    this.title = title;
    this.status = status;
    this.detail = detail;
    this.errors = errors;
    this.request_id = request_id;
  }
}

export function isProblem(error: unknown): error is Problem {
  return typeof error === 'object' && error !== null && 'status' in error && 'detail' in error;
}

/** @returns What to show of an error: the API's words, or that it did not answer. */
export function describeError(error: unknown): { title: string; detail: string; requestId: string | null } {
  if (isProblem(error)) {
    const fields = (error.errors ?? []).map(({ path, message }) => `${path}: ${message}`);
    const detail = fields.length > 0 ? fields.join('; ') : error.detail;
    return { title: `${error.title} (${error.status})`, detail, requestId: error.request_id ?? null };
  }
  return {
    title: 'The service did not answer',
    detail: 'It may be restarting, or the network is away. Nothing that was accepted is lost.',
    requestId: null,
  };
}
