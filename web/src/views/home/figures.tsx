import type { LiveState } from '../../api/live';
import { compact, duration, number } from '../../ui/format';
import { Stat } from '../../ui/panel';
import { useNow } from '../../ui/use-now';
import { OLD_S, counted } from './attention';
import { isBusy, perMinute } from './throughput';

const TICK_MS = 1_000;

/** Queue depth, oldest waiting, throughput and failures. */
export function Figures({ state, failed }: { state: LiveState | null; failed: number | undefined }) {
  const nowMs = useNow(TICK_MS);
  const lanes = (state?.lanes ?? []).filter(isBusy);
  const total = (values: number[]): number => values.reduce((sum, value) => sum + value, 0);
  const waiting = total(lanes.map(({ pending }) => pending));
  const running = total(lanes.map(({ in_progress }) => in_progress));
  const oldestS = Math.max(0, ...lanes.map(({ head_age_seconds }) => head_age_seconds ?? 0));
  return (
    <dl className="grid grid-cols-2 gap-3 lg:grid-cols-4">
      <Stat label="Waiting" value={state ? compact(waiting) : '–'} hint={`${number(running)} running`} />
      <Stat
        label="Oldest waiting"
        value={state ? (lanes.length === 0 ? 'none' : duration(oldestS * 1_000)) : '–'}
        hint={lanes.length === 1 ? 'in 1 lane' : `in ${number(lanes.length)} lanes`}
        tone={oldestS > OLD_S ? 'warn' : undefined}
      />
      <Stat label="Throughput" value={state ? compact(perMinute(state, nowMs)) : '–'} hint="reports a minute" />
      <Stat
        label="Failed"
        value={failed === undefined ? '–' : counted(failed)}
        hint="last 24 hours"
        tone={failed !== undefined && failed > 0 ? 'bad' : undefined}
      />
    </dl>
  );
}
