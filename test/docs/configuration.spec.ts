/** docs/configuration.md and .env.example agree with the schema of the settings. */
import { expect, it } from '@jest/globals';
import { environmentSchema, parseConfig } from '../../src/platform/config/config.js';
import { readDocument, tableOf } from '../support/markdown.js';

const VARIABLES = Object.keys(environmentSchema.shape) as (keyof typeof environmentSchema.shape)[];
/** The documents show an empty default for variables without one. */
const NO_DEFAULT = '';

/** Expects that setting the variable to a text has the same effect as omitting it. */
function expectDefault(name: (typeof VARIABLES)[number], text: string): void {
  const field = environmentSchema.shape[name];
  const value = field.parse(undefined);
  if (text === NO_DEFAULT) expect(value ?? []).toEqual([]);
  else expect([name, field.parse(text)]).toEqual([name, value]);
}

it('docs/configuration.md has every variable with its default and description', () => {
  const rows = tableOf(readDocument('docs/configuration.md'), 'Variable');
  expect(rows.map(([name, , description]) => [name, description])).toEqual(
    VARIABLES.map((name) => [`\`${name}\``, environmentSchema.shape[name].description]),
  );
  for (const [index, [, text = '']] of rows.entries()) expectDefault(VARIABLES[index]!, text.replaceAll('`', ''));
});

it('.env.example has every variable with its default and description', () => {
  const paragraphs = readDocument('.env.example').trim().split('\n\n').slice(1);
  const entries = paragraphs.map((paragraph) => {
    const [, name, text] = /^# ([A-Z\d_]+)=(.*)$/.exec(paragraph.split('\n').at(-1)!) ?? [];
    const description = paragraph
      .split('\n')
      .slice(0, -1)
      .map((line) => line.slice(2))
      .join(' ');
    return { name, text, description };
  });
  expect(entries.map(({ name, description }) => [name, description])).toEqual(
    VARIABLES.map((name) => [name, environmentSchema.shape[name].description]),
  );
  for (const [index, { text }] of entries.entries()) expectDefault(VARIABLES[index]!, text!);
  const uncommented = Object.fromEntries(entries.map(({ name, text }) => [name, text]));
  expect(parseConfig(uncommented)).toEqual(parseConfig({}));
});
