import { useState } from 'react';
import { Button } from './button';

/** Copies a text, and says so for two seconds. */
export function CopyButton({ text, label = 'Copy' }: { text: string; label?: string }) {
  const [isCopied, setCopied] = useState(false);
  async function copy(): Promise<void> {
    await navigator.clipboard.writeText(text);
    setCopied(true);
    setTimeout(() => setCopied(false), 2_000);
  }
  return (
    <Button isSmall kind="quiet" onClick={() => void copy()} aria-live="polite">
      {isCopied ? 'Copied' : label}
    </Button>
  );
}

export interface Call {
  method: string;
  /** From the root, with its query. */
  path: string;
  body?: unknown;
  headers?: Record<string, string>;
}

/** @returns The command that makes the same call from a shell. It reads the API key from a variable if one is needed. */
export function curlOf({ method, path, body, headers = {} }: Call, origin: string, needsKey: boolean): string {
  const quoted = (text: string): string => `'${text.replaceAll("'", String.raw`'\''`)}'`;
  const lines = [`curl ${method === 'GET' ? '' : `-X ${method} `}${quoted(origin + path)}`];
  if (needsKey) lines.push('-H "Authorization: Bearer $DAYBOOK_API_KEY"');
  for (const [name, value] of Object.entries(headers)) lines.push(`-H ${quoted(`${name}: ${value}`)}`);
  if (body !== undefined) lines.push(`-H 'Content-Type: application/json'`, `-d ${quoted(JSON.stringify(body))}`);
  return lines.join(' \\\n  ');
}

/** The shell command of an action, folded. */
export function Curl({ call, needsKey }: { call: Call; needsKey: boolean }) {
  const text = curlOf(call, location.origin, needsKey);
  return (
    <details className="mt-2 text-sm">
      <summary className="w-fit cursor-pointer text-muted">curl</summary>
      <div className="mt-1 flex items-start gap-2 rounded-control bg-sunken p-3">
        <pre className="grow overflow-x-auto font-mono text-xs" tabIndex={0}>
          {text}
        </pre>
        <CopyButton text={text} />
      </div>
    </details>
  );
}

/** JSON, indented. */
export function Json({ value, label }: { value: unknown; label: string }) {
  return (
    <pre
      tabIndex={0}
      role="region"
      aria-label={label}
      className="max-h-80 overflow-auto rounded-control bg-sunken p-3 font-mono text-xs"
    >
      {JSON.stringify(value, null, 2)}
    </pre>
  );
}
