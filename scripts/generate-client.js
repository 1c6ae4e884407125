// Writes the types of the dashboard's client (web/src/api/schema.generated.ts) from the API's description, which the build prints
// without a database. A path as argument writes them there instead; test/edge/dashboard.spec.ts compares such a file.
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import openapiTS, { COMMENT_HEADER, astToString } from 'openapi-typescript';

const pathOf = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));
const out = process.argv[2] ?? pathOf('web/src/api/schema.generated.ts');

const document = execFileSync(process.execPath, [pathOf('scripts/daybook.js'), 'openapi'], { maxBuffer: 2 ** 26 });
// A value that has a default may be left out of a request.
const types = await openapiTS(document.toString(), { defaultNonNullable: false });
writeFileSync(out, COMMENT_HEADER + astToString(types));
