import type { OpenAPIObject, SwaggerDocumentOptions } from '@nestjs/swagger';
import { z } from 'zod';

type Converter = NonNullable<SwaggerDocumentOptions['standardSchemaConverter']>;
type Schemas = NonNullable<NonNullable<OpenAPIObject['components']>['schemas']>;

/** Where a document has its named schemas. */
const COMPONENTS = '#/components/schemas/';

/**
 * Converts the Zod schemas of one document. A schema with a name (`.meta({ id: 'Order' })`) is there once, in
 * `components.schemas`, and everything else refers to it. Zod writes OpenAPI 3.1's own dialect, JSON Schema 2020-12.
 */
export class NamedSchemas {
  private readonly texts = new Map<string, string>();

  /**
   * Returns the JSON Schema of a Zod schema, and the named ones that it refers to. The document takes an input as it is sent.
   * @throws Error when two schemas of different content have one name.
   */
  readonly convert: Converter = (schema, { schemaType }) => {
    if (!(schema instanceof z.ZodType)) return undefined;
    const { $schema: _, $defs: components = {}, ...root } = z.toJSONSchema(schema, { io: schemaType });
    for (const [name, component] of Object.entries(components)) this.note(name, component);
    return { schema: root, components };
  };

  /** Adds a schema to the named ones of the document. @returns A reference to it. */
  add(schemas: Schemas, schema: z.ZodType, schemaType: 'input' | 'output'): { $ref: string } {
    const { schema: root, components } = this.convert(schema, { schemaType })!;
    const text = JSON.stringify({ root, components }).replaceAll('#/$defs/', COMPONENTS);
    const converted = JSON.parse(text) as { root: { $ref: string }; components: Schemas };
    Object.assign(schemas, converted.components);
    return converted.root;
  }

  private note(name: string, component: object): void {
    const text = JSON.stringify(component);
    const known = this.texts.get(name) ?? text;
    if (known !== text) throw new Error(`Two schemas of the API are named ${name}: ${known} and ${text}`);
    this.texts.set(name, text);
  }
}
