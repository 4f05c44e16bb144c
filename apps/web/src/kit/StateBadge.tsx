import { Hint } from '../ui/Hint.tsx'
import classes from './StateBadge.module.css'

export type Tone = 'good' | 'busy' | 'off' | 'warn' | 'bad'

/**
 * Shows a state as a dot and a word; docs/design.md lists the words. Words have colour when somebody should look at the
 * thing, and the shape of the dot says the same as the colour. `detail` is shown on hover.
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
