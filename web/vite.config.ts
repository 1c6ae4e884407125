import { readdir, readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import tailwindcss from '@tailwindcss/vite';
import { type Plugin, defineConfig } from 'vite';

const OUT = fileURLToPath(new URL('../dist/web/', import.meta.url));
/** The API behind `npm run dev:web`. */
const API = process.env['DAYBOOK_URL'] ?? 'http://127.0.0.1:3000';
const API_PATHS = ['/api', '/healthz', '/readyz', '/metrics', '/openapi.json', '/docs', '/redoc', '/admin'];

/** Writes each text file once more with gzip, which the service sends to clients that accept it. */
function compressed(): Plugin {
  return {
    name: 'daybook-gzip',
    apply: 'build',
    async closeBundle() {
      const files = await readdir(OUT, { recursive: true });
      const texts = files.filter((file) => /\.(js|css|svg|html)$/.test(file));
      await Promise.all(
        texts.map(async (file) =>
          writeFile(`${OUT}${file}.gz`, await promisify(gzip)(await readFile(OUT + file), { level: 9 })),
        ),
      );
    },
  };
}

/** Serves the page at `/` and `/app` too, as the service does. */
function atRoot(): Plugin {
  return {
    name: 'daybook-root',
    configureServer: ({ middlewares }) =>
      void middlewares.use((request, _response, next) => {
        request.url = request.url?.replace(/^\/(?:app)?(?=\?|$)/, '/app/');
        next();
      }),
  };
}

export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  base: '/app/',
  plugins: [tailwindcss(), compressed(), atRoot()],
  build: {
    outDir: OUT,
    emptyOutDir: true,
    target: 'es2023',
    modulePreload: { polyfill: false },
    rolldownOptions: {
      // 'use client' concerns servers that render React.
      onLog: (level, log, handle) => log.code !== 'MODULE_LEVEL_DIRECTIVE' && handle(level, log),
    },
  },
  server: {
    port: 5173,
    // The API must see the origin of the page as its own.
    proxy: Object.fromEntries(API_PATHS.map((path) => [path, { target: API, changeOrigin: false }])),
  },
});
