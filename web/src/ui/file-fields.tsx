import { SelectField } from './field';

/** Formats as their readers call them. */
export const FORMAT_NAMES: Record<string, string> = {
  csv: 'CSV',
  json: 'JSON',
  jsonl: 'JSON Lines',
  xlsx: 'Excel (xlsx)',
  parquet: 'Parquet',
};

interface Chosen {
  value: string;
  error: string | null;
  onChange: (value: string) => void;
}

/** The format of a file. The empty value is the first one, the default. */
export function FormatField({ formats, value, error, onChange }: Chosen & { formats: readonly string[] }) {
  return (
    <SelectField
      label="Format"
      options={formats.map((format, index) => [index === 0 ? '' : format, FORMAT_NAMES[format] ?? format] as const)}
      value={value}
      error={error}
      onChange={({ target }) => onChange(target.value)}
    />
  );
}

/** The compression of a file. The empty value is none. */
export function CompressField({ value, error, onChange }: Chosen) {
  return (
    <SelectField
      label="Compression"
      options={[
        ['', 'None'],
        ['gzip', 'gzip'],
      ]}
      value={value}
      error={error}
      onChange={({ target }) => onChange(target.value)}
    />
  );
}
