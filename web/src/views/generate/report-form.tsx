import type { Problem } from '../../api/errors';
import { IntervalButtons, takesInterval } from '../../schema-form/interval-buttons';
import { SchemaForm } from '../../schema-form/schema-form';
import { errorAt, fieldsOf } from '../../schema-form/schema';
import { useSuggestions } from '../../schema-form/use-suggestions';
import { Button } from '../../ui/button';
import { CompressField, FormatField } from '../../ui/file-fields';
import { SelectField, TextField } from '../../ui/field';
import { useDemoReceiver } from '../callbacks/use-demo-receiver';
import { type Draft, EXAMPLES, type ReportType, compresses, startOf } from './draft';

/** The fields of a report request, from the JSON Schema of its type. */
export function ReportForm({
  draft,
  types,
  errors,
  onChange,
}: {
  draft: Draft;
  types: ReportType[];
  errors: NonNullable<Problem['errors']>;
  onChange: (draft: Draft) => void;
}) {
  const type = types.find(({ type: name }) => name === draft.report);
  const example = EXAMPLES[draft.report];
  const fields = fieldsOf(type?.params ?? {});
  const suggestions = useSuggestions(fields, draft.texts);
  const set = (changes: Partial<Draft>): void => onChange({ ...draft, ...changes });
  return (
    <div className="space-y-5">
      <div className="grid grid-cols-[minmax(0,1fr)] gap-4 sm:grid-cols-2 lg:grid-cols-4">
        <SelectField
          label="Report"
          className="lg:col-span-2"
          options={types.map(({ type: name, title }) => [name, title] as const)}
          value={draft.report}
          error={errorAt(errors, 'report')}
          onChange={({ target: { value } }) => {
            const chosen = types.find(({ type: name }) => name === value);
            set({ report: value, format: '', compress: '', texts: startOf(chosen) });
          }}
        />
        <FormatField
          formats={type?.formats ?? []}
          value={draft.format}
          error={errorAt(errors, 'format')}
          onChange={(format) => set({ format })}
        />
        {compresses(type) && (
          <CompressField
            value={draft.compress}
            error={errorAt(errors, 'compress')}
            onChange={(compress) => set({ compress })}
          />
        )}
        <TextField
          label="Lane"
          hint="Async only"
          placeholder="default"
          maxLength={64}
          spellCheck={false}
          value={draft.lane}
          error={errorAt(errors, 'lane')}
          onChange={({ target }) => set({ lane: target.value })}
        />
        <CallbackField
          value={draft.callback}
          error={errorAt(errors, 'callback_url')}
          onChange={(callback) => set({ callback })}
        />
      </div>
      <fieldset className="min-w-0">
        <legend className="mb-3 flex w-full flex-wrap items-center gap-2 border-b pb-2 font-medium">
          Parameters
          {takesInterval(fields) && (
            <span className="ml-auto">
              <IntervalButtons onChange={(texts) => set({ texts: { ...draft.texts, ...texts } })} />
            </span>
          )}
          {example && (
            <span className="ml-auto flex gap-1">
              <Button isSmall kind="quiet" onClick={() => set({ texts: { ...example.short } })}>
                Fill in a quick one
              </Button>
              <Button isSmall kind="quiet" onClick={() => set({ texts: { ...example.long } })}>
                Fill in a long one
              </Button>
            </span>
          )}
        </legend>
        <div className="grid grid-cols-[minmax(0,1fr)] gap-4 sm:grid-cols-2 lg:grid-cols-3">
          <SchemaForm
            fields={fields}
            suggestions={suggestions}
            texts={draft.texts}
            errors={errors}
            path="payload"
            onChange={(name, text) => set({ texts: { ...draft.texts, [name]: text } })}
          />
        </div>
        {fields.length === 0 && <p className="text-muted">This report has no parameters.</p>}
      </fieldset>
    </div>
  );
}

function CallbackField({
  value,
  error,
  onChange,
}: {
  value: string;
  error: string | null;
  onChange: (url: string) => void;
}) {
  const { isOn, url } = useDemoReceiver();
  return (
    <div className="sm:col-span-2 lg:col-span-3">
      <TextField
        label="Callback URL"
        hint="Async only. Empty for no callback."
        type="url"
        placeholder="https://example.com/hook"
        maxLength={2_048}
        spellCheck={false}
        value={value}
        error={error}
        onChange={({ target }) => onChange(target.value)}
      />
      {isOn && value !== url && (
        <Button isSmall kind="quiet" className="mt-1 -ml-2.5" onClick={() => onChange(url)}>
          Use the demo receiver
        </Button>
      )}
      {isOn && value === url && (
        <Button isSmall kind="quiet" className="mt-1 -ml-2.5" onClick={() => onChange('')}>
          No callback
        </Button>
      )}
    </div>
  );
}
