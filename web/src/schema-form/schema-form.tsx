import { SelectField, TextArea, TextField } from '../ui/field';
import { type SchemaField, type Texts, errorAt } from './schema';

/**
 * The fields of a JSON Schema: descriptions are hints, defaults are placeholders, and an empty field is left out.
 * @param path Where the object is in the body, to find its errors.
 */
export function SchemaForm({
  fields,
  texts,
  errors,
  path,
  onChange,
}: {
  fields: SchemaField[];
  texts: Texts;
  errors: { path: string; message: string }[];
  path: string;
  onChange: (name: string, text: string) => void;
}) {
  return fields.map((field) => (
    <Control
      key={field.name}
      field={field}
      text={texts[field.name] ?? ''}
      error={errorAt(errors, `${path}.${field.name}`)}
      onChange={(text) => onChange(field.name, text)}
    />
  ));
}

interface ControlProps {
  field: SchemaField;
  text: string;
  error: string | null;
  onChange: (text: string) => void;
}

function Control({ field, text, error, onChange }: ControlProps) {
  const { kind, hint, placeholder, isRequired, maxLength } = field;
  const label = isRequired ? `${field.label} (required)` : field.label;
  const common = { label, hint, error, 'aria-required': isRequired || undefined };
  if (kind === 'choice' || kind === 'boolean') {
    return (
      <SelectField
        {...common}
        options={optionsOf(field)}
        value={text}
        onChange={({ target }) => onChange(target.value)}
      />
    );
  }
  const input = { ...common, placeholder, value: text };
  if (kind === 'json') return <TextArea {...input} rows={4} onChange={({ target }) => onChange(target.value)} />;
  return (
    <TextField
      {...input}
      type={kind === 'date' ? 'date' : 'text'}
      inputMode={kind === 'integer' ? 'numeric' : kind === 'number' ? 'decimal' : undefined}
      maxLength={maxLength}
      spellCheck={false}
      onChange={({ target }) => onChange(target.value)}
    />
  );
}

function optionsOf({ kind, choices, placeholder }: SchemaField): (readonly [string, string])[] {
  const named = { true: 'Yes', false: 'No' } as Record<string, string>;
  const nameOf = (value: string): string => (kind === 'boolean' ? (named[value] ?? value) : value);
  const values = kind === 'boolean' ? ['true', 'false'] : choices;
  const none = placeholder === undefined ? 'Not set' : `Default (${nameOf(placeholder)})`;
  return [['', none], ...values.map((value) => [value, nameOf(value)] as const)];
}
