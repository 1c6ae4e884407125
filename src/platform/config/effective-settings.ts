import { z } from 'zod';
import { type Config, SECTIONS, isSecret, mayHavePassword, settingsFromFile } from './config.js';

/** Where a setting comes from: its default, the environment of the process, or the file `.env`. */
export type SettingSource = 'default' | 'environment' | 'file';

/** A setting as operators may see it. */
export interface EffectiveSetting {
  name: string;
  section: string;
  /** In the form in which it is set, such as `10s`. Null for none, and for a secret. */
  value: string | null;
  source: SettingSource;
  is_secret: boolean;
  description: string;
}

/**
 * Returns every setting of a process, in the order of docs/configuration.md, without secrets.
 * @param environment The variables that `config` was read from.
 * @param fromFile The names of those that `.env` has set.
 */
export function effectiveSettings(
  config: Config,
  environment: NodeJS.ProcessEnv = process.env,
  fromFile: ReadonlySet<string> = settingsFromFile,
): EffectiveSetting[] {
  return Object.entries(SECTIONS).flatMap(([section, { shape }]) =>
    Object.entries(shape as Record<string, z.ZodType>).map(([name, schema]) => {
      const given = environment[name] || undefined;
      const source = given === undefined ? 'default' : fromFile.has(name) ? 'file' : 'environment';
      const value = shownValue(name, config[name as keyof Config], given ?? defaultText(schema));
      return { name, section, value, source, is_secret: isSecret(name), description: schema.description ?? '' };
    }),
  );
}

/** @param text The setting as it was set, or its default. */
function shownValue(name: string, value: unknown, text: string | undefined): string | null {
  if (isSecret(name)) return null;
  // The default of the demo receiver depends on other settings.
  if (name === 'DEMO_RECEIVER') return value === true ? 'on' : 'off';
  // Text may have been completed since, such as the path of a folder.
  const shown = typeof value === 'string' ? value : text;
  if (!shown) return null;
  return mayHavePassword(name) ? withoutPassword(shown) : shown;
}

/** Returns a URL without its password. A user without one may be a token, and parameters may be passwords too. */
function withoutPassword(text: string): string {
  const url = new URL(text);
  if (url.password !== '') url.password = '***';
  else if (url.username !== '') url.username = '***';
  if (url.search !== '') url.search = '***';
  url.hash = '';
  return url.href;
}

/** Returns the default of a setting in the form in which it is set; undefined without one. */
function defaultText(schema: z.core.$ZodType): string | undefined {
  if (schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault) return String(schema.def.defaultValue);
  if (schema instanceof z.ZodPipe) return defaultText(schema.in);
  return schema instanceof z.ZodOptional ? defaultText(schema.unwrap()) : undefined;
}
