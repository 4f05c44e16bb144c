import type { ReactNode } from 'react'

/**
 * Names a dialog by an attribute as well. Mantine names a dialog by its drawn title only, and a screen reader that
 * hears of the dialog a moment before would read no name. For `attributes` of Modal and Drawer.
 */
export const dialogName = (title: ReactNode) => ({
  content: typeof title === 'string' ? { 'aria-label': title } : {},
})
