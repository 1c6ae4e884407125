import { useSession } from '../../api/session';
import { Curl } from '../../ui/code';
import { SelectField, TextField } from '../../ui/field';
import { Panel } from '../../ui/panel';
import { useSearchState } from '../../ui/search';
import { bodyOf, DEFAULTS, type Field, fieldsOf } from './settings';

/** The settings of the next run. They are in the URL, so that a test can be shared and repeated. */
export function Settings() {
  const [search, change] = useSearchState();
  const { authentication } = useSession();
  const fields = fieldsOf(search);
  const set = (name: Field, value: string) => change({ [name]: value === DEFAULTS[name] ? undefined : value }, true);
  const numberField = (name: Field, label: string, max: number, min = 1) => (
    <TextField
      label={label}
      type="number"
      inputMode="decimal"
      min={min}
      max={max}
      value={fields[name]}
      onChange={({ target }) => set(name, target.value)}
    />
  );
  return (
    <Panel title="Settings of the next run">
      <div className="grid gap-3 sm:grid-cols-2 lg:grid-cols-3">
        <SelectField
          label="Requests"
          options={[
            ['both', 'Sync, then async'],
            ['sync', 'Sync only'],
            ['async', 'Async only'],
          ]}
          value={fields.mode}
          onChange={({ target }) => set('mode', target.value)}
        />
        <SelectField
          label="Report"
          options={[
            ['transactions', 'Transactions'],
            ['digest', 'Digest'],
          ]}
          value={fields.report}
          onChange={({ target }) => set('report', target.value)}
        />
        {fields.report === 'digest'
          ? numberField('iterations', 'Rounds of each digest', 1_000_000)
          : numberField('rows', 'Rows of each report', 1_000_000)}
        <SelectField
          label="Load"
          options={[
            ['clients', 'Clients that wait for their answers'],
            ['rate', 'A fixed rate'],
          ]}
          value={fields.model}
          onChange={({ target }) => set('model', target.value)}
        />
        {fields.model === 'rate' ? (
          <>
            {numberField('rate', 'Requests a second', 2_000, 0.1)}
            {numberField('duration', 'Duration in seconds', 300)}
            {numberField('ramp', 'Of these rising, in seconds', 300, 0)}
          </>
        ) : (
          <>
            {numberField('concurrency', 'Clients', 200)}
            {numberField('requests', 'Requests in all, of each mode', 10_000)}
          </>
        )}
      </div>
      <Curl
        call={{ method: 'POST', path: '/api/benchmark/runs', body: bodyOf(fields) }}
        needsKey={authentication === 'required'}
      />
    </Panel>
  );
}
