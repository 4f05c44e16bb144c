import { Text } from '@mantine/core'
import type { ReactNode } from 'react'
import classes from './TwoLines.module.css'

/** A cell with a line of small print. Compact rows have no room for this line and show it on hover. */
export function TwoLines({ children, second }: { children: ReactNode; second?: string | null }) {
  return (
    <div className={classes.cell} title={second ?? undefined}>
      {children}
      {second && (
        <Text size="xs" c="dimmed" lineClamp={1} className={classes.second}>
          {second}
        </Text>
      )}
    </div>
  )
}
