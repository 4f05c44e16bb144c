'use client'
import { createTheme } from '@mantine/core'

/** Words of what cannot be undone, readable on light and dark: plain red is not. */
export const dangerText = 'light-dark(var(--mantine-color-red-9), var(--mantine-color-red-4))'

/** A name of 255 letters without a blank breaks inside of its frame, and the cross stays where it is. */
const longTitle = { title: { overflowWrap: 'anywhere', minWidth: 0 }, close: { flexShrink: 0 } } as const

/** The portal's look, in Mantine's words. System fonts only: nothing is fetched from elsewhere. */
export const theme = createTheme({
  primaryColor: 'indigo',
  primaryShade: 7,
  autoContrast: true,
  defaultRadius: 'md',
  cursorType: 'pointer',
  respectReducedMotion: true,
  fontFamily:
    'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", Helvetica, Arial, sans-serif',
  fontFamilyMonospace:
    'ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", "DejaVu Sans Mono", monospace',
  headings: { fontWeight: '650' },
  // Plain objects: `Tooltip.extend` would load every component named here on every page.
  components: {
    Tooltip: { defaultProps: { withArrow: true, openDelay: 200 } },
    // Its placeholder is no menu item, which a menu may not have: the first item has the focus instead.
    Menu: { defaultProps: { withInitialFocusPlaceholder: false } },
    Modal: { defaultProps: { centered: true, styles: longTitle } },
    Drawer: { defaultProps: { overlayProps: { backgroundOpacity: 0.4 }, styles: longTitle } },
    Button: { defaultProps: { size: 'sm' } },
  },
})
