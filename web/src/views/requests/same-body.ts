import type { components } from '../../api/schema.generated';

/** Fields of a file's name, which the service makes: `name_id.csv`, with `.gz` if it is packed. */
const FILE = /\.(csv|jsonl|xlsx|parquet)(\.gz)?$/;

/** @returns The body of `POST /api/async` that asks for the same report in the same way. */
export function sameBody(request: components['schemas']['Request']): Record<string, unknown> {
  const { report, input_payload: payload, callback_url, lane, result_payload: result } = request;
  const name = result?.['file_name'];
  const [, format, packed] = (typeof name === 'string' ? FILE.exec(name) : null) ?? [];
  return {
    report,
    payload,
    callback_url,
    ...(lane !== null && { lane }),
    ...(format !== undefined && format !== 'csv' && { format }),
    ...(packed !== undefined && { compress: 'gzip' }),
  };
}

/** @returns The object of a JSON text, or why it is none. */
export function parseBody(text: string): { body: object; problem: null } | { body: null; problem: string } {
  try {
    const body: unknown = JSON.parse(text);
    if (typeof body === 'object' && body !== null && !Array.isArray(body)) return { body, problem: null };
    return { body: null, problem: 'must be a JSON object, in braces' };
  } catch (error) {
    return { body: null, problem: `must be JSON: ${(error as Error).message}` };
  }
}
