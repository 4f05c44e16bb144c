import { Hint } from '../ui/Hint.tsx'
import classes from './StateBadge.module.css'

export type Tone = 'good' | 'busy' | 'off' | 'warn' | 'bad'

/**
 * A state: a dot and its word, which docs/design.md lists. Words have colour when somebody should look at them; the
 * shape of the dot says the tone as well. `detail` is shown on hover.
 */
export function StateBadge({ state, tone, detail }: { state: string; tone: Tone; detail?: string | null }) {
  const shown = (
    <span className={classes.state} data-tone={tone}>
      <span className={classes.dot} aria-hidden />
      {state}
    </span>
  )
  return detail ? <Hint label={detail}>{shown}</Hint> : shown
}
