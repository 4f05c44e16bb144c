import type { ReactNode } from 'react'
import classes from './Columns.module.css'

/** What a page is about, and at its side the facts; below each other where there is no room. */
export function Columns({ children, side }: { children: ReactNode; side: ReactNode }) {
  return (
    <div className={classes.columns}>
      <div className={classes.stack}>{children}</div>
      <div className={classes.stack}>{side}</div>
    </div>
  )
}
