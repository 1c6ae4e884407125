import { type FormEvent, useState } from 'react';
import { api, client, dataOf, queryClient } from '../../api/client';
import { isProblem } from '../../api/errors';
import { useSession } from '../../api/session';
import { SchemaForm } from '../../schema-form/schema-form';
import { errorAt } from '../../schema-form/schema';
import { timeZones, useSuggestions } from '../../schema-form/use-suggestions';
import { Button } from '../../ui/button';
import { Curl } from '../../ui/code';
import { SelectField, TextField } from '../../ui/field';
import { CompressField, FormatField } from '../../ui/file-fields';
import { SuggestField } from '../../ui/filters';
import { Panel } from '../../ui/panel';
import { useSearchState } from '../../ui/search';
import { ErrorState, Skeleton } from '../../ui/states';
import { announce } from '../../ui/toast';
import { type ReportType, compresses } from '../generate/draft';
import { FREQUENCIES, PERIODS, WEEKDAYS, capitalized } from './recurrence';
import { type ScheduleDraft, bodyOf, firstDraft, frequencyOf, hasInterval, ownFields } from './schedule-draft';

const LAST_DAY = 31;
const MONTH_DAYS = [
  ...Array.from({ length: LAST_DAY }, (_, index) => String(index + 1)),
  ['last', 'The last day'] as const,
];

/** The form of a new schedule. */
export function NewSchedule() {
  const { data, error, refetch } = api.useQuery(
    'get',
    '/api/report-types',
    {},
    { staleTime: Number.POSITIVE_INFINITY },
  );
  return (
    <Panel title="New schedule" hint="The report and its parameters are checked at once.">
      {error ? <ErrorState error={error} onRetry={() => void refetch()} /> : !data && <Skeleton rows={8} />}
      {data && !error && <ScheduleForm types={data.report_types} />}
    </Panel>
  );
}

const GRID = 'grid grid-cols-[minmax(0,1fr)] gap-4 sm:grid-cols-2 lg:grid-cols-4';

interface PartProps {
  draft: ScheduleDraft;
  type: ReportType | undefined;
  errors: { path: string; message: string }[];
  set: (changes: Partial<ScheduleDraft>) => void;
}

function ScheduleForm({ types }: { types: ReportType[] }) {
  const { authentication } = useSession();
  const [, show] = useSearchState();
  const [draft, setDraft] = useState(() => firstDraft(types));
  const [error, setError] = useState<unknown>(null);
  const [isBusy, setBusy] = useState(false);
  const type = types.find(({ type: name }) => name === draft.report);
  const body = bodyOf(draft, type);
  async function create(event: FormEvent): Promise<void> {
    event.preventDefault();
    setBusy(true);
    setError(null);
    try {
      const { id, name } = await dataOf(client.POST('/api/schedules', { body }));
      await queryClient.invalidateQueries();
      announce(`${name} is scheduled`);
      show({ tab: undefined, id });
    } catch (failure) {
      setError(failure);
    } finally {
      setBusy(false);
    }
  }
  const errors = isProblem(error) ? (error.errors ?? []) : [];
  const part: PartProps = { draft, type, errors, set: (changes) => setDraft({ ...draft, ...changes }) };
  return (
    <form noValidate onSubmit={(event) => void create(event)} className="space-y-5">
      <ReportPart {...part} types={types} />
      <WhenPart {...part} />
      <WherePart {...part} />
      {error !== null && <ErrorState error={error} />}
      <Button type="submit" kind="primary" isBusy={isBusy}>
        Create the schedule
      </Button>
      <Curl call={{ method: 'POST', path: '/api/schedules', body }} needsKey={authentication === 'required'} />
    </form>
  );
}

function ReportPart({ draft, type, errors, set, types }: PartProps & { types: ReportType[] }) {
  const fields = ownFields(type);
  const suggestions = useSuggestions(fields, draft.texts);
  return (
    <div className={GRID}>
      <TextField
        label="Name"
        className="sm:col-span-2"
        maxLength={200}
        placeholder="Monthly trial balance"
        value={draft.name}
        error={errorAt(errors, 'name')}
        onChange={({ target }) => set({ name: target.value })}
      />
      <SelectField
        label="Report"
        className="sm:col-span-2"
        options={types.map(({ type: name, title }) => [name, title] as const)}
        value={draft.report}
        error={errorAt(errors, 'report')}
        onChange={({ target }) => set({ report: target.value, format: '', compress: '', texts: {} })}
      />
      <SchemaForm
        fields={fields}
        texts={draft.texts}
        errors={errors}
        path="payload"
        suggestions={suggestions}
        onChange={(name, text) => set({ texts: { ...draft.texts, [name]: text } })}
      />
    </div>
  );
}

function WhenPart({ draft, type, errors, set }: PartProps) {
  return (
    <fieldset className="min-w-0">
      <legend className="mb-3 w-full border-b pb-2 font-medium">When</legend>
      <div className={GRID}>
        <SelectField
          label="Every"
          options={FREQUENCIES.map((name) => [name, capitalized(name)] as const)}
          value={draft.every}
          error={errorAt(errors, 'every')}
          onChange={({ target }) => set(frequencyOf(target.value))}
        />
        {draft.every !== 'day' && (
          <SelectField
            label="On"
            hint={draft.every === 'month' ? 'A month without that day has its last day.' : undefined}
            options={draft.every === 'week' ? WEEKDAYS.map((name) => [name, capitalized(name)] as const) : MONTH_DAYS}
            value={draft.on}
            error={errorAt(errors, 'on')}
            onChange={({ target }) => set({ on: target.value })}
          />
        )}
        <TextField
          label="At"
          type="time"
          value={draft.at}
          error={errorAt(errors, 'at')}
          onChange={({ target }) => set({ at: target.value })}
        />
        <SuggestField
          label="Timezone"
          maxLength={64}
          spellCheck={false}
          suggestions={timeZones()}
          value={draft.timezone}
          error={errorAt(errors, 'timezone')}
          onChange={({ target }) => set({ timezone: target.value })}
        />
        {hasInterval(type) && (
          <SelectField
            label="Covers"
            className="sm:col-span-2"
            hint="The interval of the report, seen from the due time."
            options={PERIODS}
            value={draft.period}
            error={errorAt(errors, 'period')}
            onChange={({ target }) => set({ period: target.value })}
          />
        )}
      </div>
    </fieldset>
  );
}

function WherePart({ draft, type, errors, set }: PartProps) {
  return (
    <fieldset className="min-w-0">
      <legend className="mb-3 w-full border-b pb-2 font-medium">File and callback</legend>
      <div className={GRID}>
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
          placeholder="default"
          maxLength={64}
          spellCheck={false}
          value={draft.lane}
          error={errorAt(errors, 'lane')}
          onChange={({ target }) => set({ lane: target.value })}
        />
        <TextField
          label="Callback URL"
          className="sm:col-span-2"
          hint="Empty for no callback."
          type="url"
          placeholder="https://example.com/hook"
          maxLength={2_048}
          spellCheck={false}
          value={draft.callback}
          error={errorAt(errors, 'callback_url')}
          onChange={({ target }) => set({ callback: target.value })}
        />
      </div>
    </fieldset>
  );
}
