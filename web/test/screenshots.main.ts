/** `npm run screenshots`: takes the pictures of the README again, from a new service with demo data. */
import { fileURLToPath } from 'node:url';
import { withDashboard } from './own-dashboard.js';
import { launchBrowser, visit } from './support/browser.js';

const FOLDER = new URL('../../docs/images/', import.meta.url);
const PICTURES = { home: '/', requests: '/app/requests' };

await withDashboard(async (url) => {
  const browser = await launchBrowser();
  try {
    for (const [name, path] of Object.entries(PICTURES)) {
      const visitor = await visit(browser, url, { viewport: { width: 1280, height: 800 }, colorScheme: 'light' });
      await visitor.open(path);
      await visitor.page.getByRole('cell', { name: 'completed' }).first().waitFor();
      await visitor.page.screenshot({ path: fileURLToPath(new URL(`${name}.png`, FOLDER)) });
      await visitor.close();
    }
  } finally {
    await browser.close();
  }
});
process.exit(0);
