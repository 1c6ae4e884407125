import type { Request } from 'express';
import { BOARD_PATH } from './board-path.js';

const PAGES = new RegExp(`^${BOARD_PATH}(?:/|/queue/[^/]+(?:/[^/]+)?/?)?$`);
const API = `${BOARD_PATH}/api/`;

const STYLE = `body { font: 16px/1.5 system-ui, sans-serif; max-width: 32rem; margin: 15vh auto; padding: 0 1rem }
  input { font: inherit; width: 100%; box-sizing: border-box; padding: .5rem; margin: .25rem 0 1rem }
  button { font: inherit; padding: .5rem 1rem }`;

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;');

/** Loaded from this origin, because the security headers allow no inline script. */
export const SIGN_IN_SCRIPT = `const form = document.querySelector('form');
const message = document.querySelector('[role=alert]');
form.addEventListener('submit', async (event) => {
  event.preventDefault();
  message.textContent = '';
  const body = JSON.stringify({ api_key: form.elements.key.value.trim() });
  const headers = { 'Content-Type': 'application/json' };
  const response = await fetch('/api/session', { method: 'POST', headers, body }).catch(() => null);
  if (response?.ok) return location.reload();
  const problem = await response?.json().catch(() => null);
  message.textContent = problem?.detail ?? 'The service did not answer. Try again.';
});
`;

/**
 * @param refusal Status and reason of a refused request.
 * @returns A page to sign in, for a browser that opens the board; null for other requests, which get problem details.
 */
export function signInPage(request: Request, { status, detail }: { status: number; detail: string }): string | null {
  const isRefused = status === 401 || status === 403;
  if (!isRefused || !PAGES.test(request.path) || request.accepts(['json', 'html']) !== 'html') return null;
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <link rel="icon" href="data:,">
    <title>Daybook queues: sign in</title>
    <style>${STYLE}</style>
    <script src="${BOARD_PATH}/sign-in.js" defer></script>
  </head>
  <body>
    <h1>Daybook queues</h1>
    <p>The queue board is for operators. Sign in with an API key that has the scope <code>admin</code>.</p>
    <form>
      <label>API key <input name="key" type="password" autocomplete="off" required autofocus></label>
      <button>Sign in</button>
    </form>
    <p role="alert">${status === 403 ? escaped(detail) : ''}</p>
  </body>
</html>
`;
}

/** Whether a request is one of the board's page, which shows the member `error` of a failed response to its user. */
export const isOfBoardPage = ({ path }: Pick<Request, 'path'>): boolean => path.startsWith(API);
