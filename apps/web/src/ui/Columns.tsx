import type { ReactNode } from 'react'
import classes from './Columns.module.css'

/**
 * Two columns: the main part of a page, and its facts at the side. They stand below each other where there is no room.
 */
export function Columns({ children, side }: { children: ReactNode; side: ReactNode }) {
  return (
    <div className={classes.columns}>
      <div className={classes.stack}>{children}</div>
      <div className={classes.stack}>{side}</div>
    </div>
  )
}
