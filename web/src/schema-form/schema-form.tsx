import { SelectField, TextArea } from '../ui/field';
import { SuggestField } from '../ui/filters';
import { PickField } from './pick-field';
import { type SchemaField, type Texts, errorAt } from './schema';

/** Values to suggest for fields, by their names. */
export type Suggestions = Record<string, readonly (string | readonly [value: string, label: string])[]>;

/**
 * The fields of a JSON Schema: descriptions are hints, defaults are placeholders, and an empty field is left out.
 * @param path Where the object is in the body, to find its errors.
 */
export function SchemaForm({
  fields,
  texts,
  errors,
  path,
  suggestions = {},
  onChange,
}: {
  fields: SchemaField[];
  texts: Texts;
  errors: { path: string; message: string }[];
  path: string;
  suggestions?: Suggestions;
  onChange: (name: string, text: string) => void;
}) {
  return fields.map((field) => (
    <Control
      key={field.name}
      field={field}
      text={texts[field.name] ?? ''}
      suggestions={suggestions[field.name] ?? []}
      error={errorAt(errors, `${path}.${field.name}`)}
      onChange={(text) => onChange(field.name, text)}
    />
  ));
}

interface ControlProps {
  field: SchemaField;
  text: string;
  suggestions: Suggestions[string];
  error: string | null;
  onChange: (text: string) => void;
}

function Control({ field, text, suggestions, error, onChange }: ControlProps) {
  const { kind, hint, placeholder, isRequired, maxLength, choices } = field;
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
  if (kind === 'list' && choices.length > 0) return <PickField {...{ label, hint, error, choices, text, onChange }} />;
  const input = { ...common, placeholder, value: text };
  if (kind === 'json') return <TextArea {...input} rows={4} onChange={({ target }) => onChange(target.value)} />;
  return (
    <SuggestField
      {...input}
      suggestions={suggestions}
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
