import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import ts from 'typescript';

/** Nest's decorators that bring in what a caller sent. */
const INPUTS = ['Body', 'Query', 'Param', 'RawBody', 'UploadedFile', 'UploadedFiles', 'HostParam'];
const SOURCES = new URL('../', import.meta.url);
const CONTROLLERS = readdirSync(SOURCES, { recursive: true, encoding: 'utf8' }).filter((file) =>
  file.endsWith('.controller.ts'),
);

interface Input {
  decorator: string;
  /** As it is written, e.g. `Body() body: object`. */
  text: string;
  hasSchema: boolean;
}

/** Every parameter of a source text that is decorated as an input. */
function inputsOf(source: string): Input[] {
  const inputs: Input[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isParameter(node)) {
      for (const { expression } of ts.getDecorators(node) ?? []) {
        if (!ts.isCallExpression(expression)) continue;
        const decorator = expression.expression.getText();
        if (INPUTS.includes(decorator)) {
          inputs.push({ decorator, text: node.getText(), hasSchema: expression.arguments.some(hasSchema) });
        }
      }
    }
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile('a.controller.ts', source, ts.ScriptTarget.ES2023, true));
  return inputs;
}

function hasSchema(argument: ts.Expression): boolean {
  if (!ts.isObjectLiteralExpression(argument)) return false;
  return argument.properties.some(({ name }) => name !== undefined && name.getText() === 'schema');
}

// Read from the source and not by reflection: Jest cannot load the controllers that stand under the throttler's guard.
describe.each(CONTROLLERS)('%s', (file) => {
  it('validates every input by a schema', () => {
    const inputs = inputsOf(readFileSync(new URL(file, SOURCES), 'utf8'));
    expect(inputs.filter((input) => !input.hasSchema).map(({ text }) => text)).toEqual([]);
  });
});

describe('The rule of the schemas', () => {
  const of = (parameters: string): boolean[] =>
    inputsOf(`@Controller() class A { @Post() make(${parameters}) {} }`).map((input) => input.hasSchema);

  it('sees an input without one', () => {
    expect(of('@Body() a: A')).toEqual([false]);
    expect(of('@Param("id") id: string, @Query({ schema }) b: B, @Query("x", pipe) x: string')).toEqual([
      false,
      true,
      false,
    ]);
    expect(of('@Body({ pipes: [] }) { a, b }: A')).toEqual([false]);
  });

  it('sees one that stands beside the name of a field', () => {
    expect(of('@Param("id", { schema: z.uuid() }) id: string')).toEqual([true]);
  });

  it('has nothing to say of our own parameters', () => {
    expect(
      of('@Req() request: Request, @Res({ passthrough: true }) response: Response, @OwnAccount() account: Id'),
    ).toEqual([]);
  });

  it('has controllers to look at', () => {
    expect(CONTROLLERS.length).toBeGreaterThan(3);
  });
});
