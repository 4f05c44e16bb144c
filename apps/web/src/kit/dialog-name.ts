import type { ReactNode } from 'react'

/**
 * Mantine names a dialog by its title when that has been drawn: a screen reader that is told of the dialog in the
 * moment before would read none. For `attributes` of Modal and Drawer.
 */
export const dialogName = (title: ReactNode) => ({
  content: typeof title === 'string' ? { 'aria-label': title } : {},
})
