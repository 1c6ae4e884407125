import { z } from 'zod';
import { urlName } from '../http/fields/url-name.js';
import type { RequestMode } from '../requests/request.entity.js';
import { catalogue, ENVELOPE_FIELDS } from './catalogue.js';
import type { ReportDefinition } from './define-report.js';
import { extensionOf } from './formats/file-format.js';

type Catalogue = ReadonlyMap<string, ReportDefinition>;
type Body = Record<string, unknown>;

/** A normalised report request. */
export interface ReportRequest {
  report: string;
  params: object;
  callbackUrl: string | null | undefined;
  lane: string;
  /** The extension of the file, `.gz` at its end for a compressed one. */
  format: string;
  /** The path of the parameters in the body of the caller: empty, or that of `payload`. */
  paramsAt: string;
}

const DEFAULT_REPORT = 'transactions';

/** A request without `report` that has this parameter implies this report. */
const IMPLIED = { parameter: 'input_data', report: 'digest' };

const callbackUrl = z
  .string({ error: ({ input }) => (input === undefined ? 'is required; give null to poll instead' : undefined) })
  .max(2_048)
  .nullable()
  .describe('URL of the callback; null for none');

const lane = urlName.default('default').describe('Requests in one lane are processed strictly one after the other');

/** The fields around the parameters. */
function envelopeOf({ type, formats, compresses }: ReportDefinition, mode: RequestMode) {
  const isImplied = type === DEFAULT_REPORT || type === IMPLIED.report;
  const report = z.literal(type).describe('Report type');
  return {
    report: isImplied ? report.optional() : report,
    callback_url: mode === 'async' ? callbackUrl : callbackUrl.optional(),
    lane,
    format: z.enum(formats).default(formats[0]).describe('File format'),
    ...(compresses === true && { compress: z.literal('gzip').optional().describe('Compresses the file') }),
  };
}

const nested = (definition: ReportDefinition, mode: RequestMode) =>
  z.strictObject({ ...envelopeOf(definition, mode), payload: definition.params });

const flat = (definition: ReportDefinition, mode: RequestMode) =>
  z.strictObject({ ...envelopeOf(definition, mode), ...definition.params.shape });

/** Names of the bodies in the API's description. */
const NAMES = { sync: 'SyncRequestBody', async: 'AsyncRequestBody' } as const;

/** JSON Schema (2020-12) of the same bodies that {@link reportRequest} takes. */
export function reportRequestJsonSchema(mode: RequestMode, reports: Catalogue = catalogue): Body {
  const ways = [...reports.values()].flatMap((definition) => [
    flat(definition, mode).meta({ title: `${definition.type}, flat` }),
    nested(definition, mode).meta({ title: `${definition.type}, with payload` }),
  ]);
  const { $schema: _, ...schema } = z.toJSONSchema(z.union(ways), { io: 'input' });
  return schema;
}

/**
 * The body of `POST /api/sync` and `/api/async`, and an entry of `/api/batch`. Issues have the path that the caller wrote.
 * Nothing is coerced.
 */
export function reportRequest(mode: RequestMode, reports: Catalogue = catalogue): z.ZodType<ReportRequest> {
  const schemas = new Map([...reports.values()].map((definition) => [definition.type, nested(definition, mode)]));
  return z
    .unknown()
    .transform((body, context): ReportRequest => {
      const refuse = (path: PropertyKey[], message: string): never => {
        context.addIssue({ code: 'custom', path, message });
        return z.NEVER;
      };
      if (!isObject(body)) return refuse([], 'must be a JSON object, sent as application/json');
      const isFlat = !Object.hasOwn(body, 'payload');
      const request = isFlat ? nest(body) : body;
      const report = reportOf(request);
      const schema = typeof report === 'string' ? schemas.get(report) : undefined;
      if (!schema) return refuse(['report'], `must be one of the report types: ${[...schemas.keys()].join(', ')}`);
      const { data, error } = schema.safeParse(request);
      if (data) return requestOf(String(report), data, isFlat ? '' : 'payload.');
      for (const issue of error.issues.flatMap(oneForEachField)) {
        // The caller wrote the nested parameters flat.
        const path = isFlat && issue.path[0] === 'payload' ? issue.path.slice(1) : issue.path;
        refuse(path, issue.message);
      }
      return z.NEVER;
    })
    .meta({ id: NAMES[mode], ...reportRequestJsonSchema(mode, reports) });
}

function isObject(value: unknown): value is Body {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Expands the flat shorthand: each field outside the envelope is a parameter. */
function nest(body: Body): Body {
  const [request, payload]: [Body, Body] = [{}, {}];
  for (const field of Object.keys(body)) {
    const part = ENVELOPE_FIELDS.includes(field) ? request : payload;
    // An assignment would set the prototype, and the field would pass validation.
    if (field === '__proto__') Object.defineProperty(part, field, { value: body[field], enumerable: true });
    else part[field] = body[field];
  }
  request.payload = payload;
  return request;
}

/** The report type that a request names or implies. */
function reportOf({ report, payload }: Body): unknown {
  if (report !== undefined) return report;
  return isObject(payload) && Object.hasOwn(payload, IMPLIED.parameter) ? IMPLIED.report : DEFAULT_REPORT;
}

function requestOf(report: string, data: z.output<ReturnType<typeof nested>>, paramsAt: string): ReportRequest {
  const format = extensionOf(data.format, 'compress' in data && data.compress !== undefined);
  return { report, params: data.payload, callbackUrl: data.callback_url, lane: data.lane, format, paramsAt };
}

interface Issue {
  path: PropertyKey[];
  message: string;
}

/** Unknown fields in the answer; a body may hold tens of thousands. */
const MAX_UNKNOWN = 20;

/** Splits Zod's single issue for all unknown fields into one for each field, at its own path. */
function oneForEachField(issue: z.core.$ZodIssue): Issue[] {
  if (issue.code !== 'unrecognized_keys') return [issue];
  const isParameter = issue.path[0] === 'payload';
  const message = isParameter
    ? 'is not a parameter of this report'
    : 'is not a field beside payload; parameters go in it';
  return issue.keys.slice(0, MAX_UNKNOWN).map((key) => ({ path: [...issue.path, key], message }));
}

/** Example bodies for the API's documentation. */
export function reportRequestExamples(mode: RequestMode): Record<string, { summary: string; value: object }> {
  const callback = mode === 'async' ? { callback_url: 'https://example.com/webhooks/daybook' } : {};
  return {
    transactions: {
      summary: 'Transactions, flat',
      value: { num_transactions: 50, report_name: 'Q1_Report', ...callback },
    },
    payload: {
      summary: 'Transactions, with payload',
      value: { report: 'transactions', payload: { num_transactions: 200, report_name: 'Annual' }, ...callback },
    },
    digest: { summary: 'Digest', value: { input_data: 'hello', iterations: 50_000, ...callback } },
    ...(mode === 'async' && {
      poll: {
        summary: 'Poll instead of a callback',
        value: { num_transactions: 50, callback_url: null, lane: 'monthly' },
      },
    }),
  };
}
