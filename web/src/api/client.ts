import { QueryClient } from '@tanstack/react-query';
import createClient from 'openapi-fetch';
import createQueries from 'openapi-react-query';
import { ApiError, isProblem } from './errors';
import type { paths } from './schema.generated';

/** The typed client of `/openapi.json`. Its calls return `{data, error, response}`. */
export const client = createClient<paths>({ baseUrl: '/' });

/** Hooks of TanStack Query over the client: `api.useQuery('get', '/api/requests', {params})`. Errors are problems. */
export const api = createQueries(client);

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 2_000,
      refetchOnWindowFocus: true,
      // Answers of the API are final; only a service that did not answer is asked again.
      retry: (count, error) => !isProblem(error) && count < 2,
    },
  },
});

type Answer<Data> = Promise<{ data?: Data; error?: unknown }>;

/** @returns The data of an answer. @throws ApiError The problem that was answered. */
export async function dataOf<Data>(answer: Answer<Data>): Promise<Data> {
  const { data, error } = await answer;
  if (isProblem(error)) throw new ApiError(error);
  if (error !== undefined) throw new Error('The answer is not of this API');
  return data as Data;
}
