import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import ts from 'typescript';

/** Nest's parameter decorators for input of the caller. */
const INPUTS = ['Body', 'Query', 'Param', 'RawBody', 'UploadedFile', 'UploadedFiles', 'HostParam'];
const SOURCES = new URL('../', import.meta.url);
const CONTROLLERS = readdirSync(SOURCES, { recursive: true, encoding: 'utf8' }).filter((file) =>
  file.endsWith('.controller.ts'),
);

interface Input {
  decorator: string;
  /** Source text, e.g. `Body() body: object`. */
  text: string;
  hasSchema: boolean;
}

/** Every parameter of a source text with an input decorator. */
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

// Reads the source instead of reflection, because Jest would have to load every controller with its dependencies.
describe.each(CONTROLLERS)('%s', (file) => {
  it('validates every input by a schema', () => {
    const inputs = inputsOf(readFileSync(new URL(file, SOURCES), 'utf8'));
    expect(inputs.filter((input) => !input.hasSchema).map(({ text }) => text)).toEqual([]);
  });
});

describe('the check', () => {
  const of = (parameters: string): boolean[] =>
    inputsOf(`@Controller() class A { @Post() make(${parameters}) {} }`).map((input) => input.hasSchema);

  it('finds an input without a schema', () => {
    expect(of('@Body() a: A')).toEqual([false]);
    expect(of('@Param("id") id: string, @Query({ schema }) b: B, @Query("x", pipe) x: string')).toEqual([
      false,
      true,
      false,
    ]);
    expect(of('@Body({ pipes: [] }) { a, b }: A')).toEqual([false]);
  });

  it('accepts a schema after the name of a field', () => {
    expect(of('@Param("id", { schema: z.uuid() }) id: string')).toEqual([true]);
  });

  it('ignores other parameter decorators', () => {
    expect(
      of('@Req() request: Request, @Res({ passthrough: true }) response: Response, @OwnAccount() account: Id'),
    ).toEqual([]);
  });

  it('finds the controllers', () => {
    expect(CONTROLLERS.length).toBeGreaterThan(3);
  });
});
