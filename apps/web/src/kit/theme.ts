'use client'
import { createTheme, type MantineColorsTuple } from '@mantine/core'
import tabs from '../ui/tabs.module.css'

/** The colour of words for actions that cannot be undone; readable on light and dark. */
export const dangerText = 'var(--mantine-color-bad-text)'

/**
 * A name of 255 letters without a blank breaks inside of its frame, and the button that closes the dialog stays where
 * it is.
 */
const title = {
  title: { overflowWrap: 'anywhere', minWidth: 0, fontSize: '1.0625rem', fontWeight: 620 },
  close: { flexShrink: 0 },
} as const

/**
 * The colours, each by its role (docs/design.md). Shade 7 is readable on white and under white letters, shade 9 on
 * shade 1, and shade 4 on the dark ground; theme.test.ts checks these.
 */
export const roles = {
  /** Things that one can click, and the place where one is. */
  petrol: [
    '#effafc',
    '#dbf4fa',
    '#bbe7f2',
    '#95d5e5',
    '#6cbfd3',
    '#46a7bd',
    '#258da2',
    '#026e81',
    '#015a6a',
    '#014552',
  ],
  /** The thing is as it should be. */
  good: [
    '#f0fbf3',
    '#def6e5',
    '#c0eacd',
    '#9cdab1',
    '#76c693',
    '#53ae77',
    '#36935e',
    '#077542',
    '#016035',
    '#004a27',
  ],
  /** Something is under way. */
  busy: [
    '#f3f8fe',
    '#e5f0fe',
    '#c9e0ff',
    '#a5ccfe',
    '#7db4fa',
    '#5e9ae7',
    '#4480ca',
    '#2662aa',
    '#1b508e',
    '#133d6f',
  ],
  /** Somebody should look at the thing. */
  warn: [
    '#fef6ef',
    '#feeada',
    '#fdd6b4',
    '#f4bc8c',
    '#e4a063',
    '#cf853d',
    '#b36b1e',
    '#8e5002',
    '#754101',
    '#5b3100',
  ],
  /** The thing has failed, or the action cannot be undone. */
  bad: [
    '#fff5f4',
    '#fee9e6',
    '#ffd2cc',
    '#feb3aa',
    '#fe8b81',
    '#f1645d',
    '#d34944',
    '#b02526',
    '#93181b',
    '#731113',
  ],
  /** Everything else: stone by day, basalt by night. */
  gray: [
    '#fbfaf7',
    '#f5f4f1',
    '#ecebe8',
    '#e1dfdd',
    '#d2d1ce',
    '#a9a7a5',
    '#81807e',
    '#5d5c5a',
    '#413f3e',
    '#252422',
  ],
  dark: [
    '#e0eaee',
    '#b6bfc4',
    '#8b9498',
    '#6a7377',
    '#41494d',
    '#333b3e',
    '#262e31',
    '#1a2225',
    '#11181b',
    '#080e11',
  ],
} as const satisfies Record<string, MantineColorsTuple>

/**
 * ui/global.css gives the stand-in fonts the width of the real ones, so that nothing moves when the real fonts have
 * loaded.
 */
const text = 'var(--font-text), var(--font-text-extended), "Text stand-in", system-ui, sans-serif'
const code = 'var(--font-code), "Code stand-in", ui-monospace, monospace'

/** The portal's look, in Mantine's words. */
export const theme = createTheme({
  colors: roles,
  primaryColor: 'petrol',
  primaryShade: 7,
  black: '#1c1b1a',
  autoContrast: true,
  defaultRadius: 'md',
  radius: { xs: '2px', sm: '4px', md: '6px', lg: '10px', xl: '24px' },
  cursorType: 'pointer',
  respectReducedMotion: true,
  fontFamily: text,
  fontFamilyMonospace: code,
  fontSizes: { xs: '0.75rem', sm: '0.84375rem', md: '0.9375rem', lg: '1.0625rem', xl: '1.25rem' },
  headings: {
    fontWeight: '620',
    sizes: {
      h1: { fontSize: '1.75rem', lineHeight: '1.25' },
      h2: { fontSize: '1.5rem', lineHeight: '1.3' },
      h3: { fontSize: '1.375rem', lineHeight: '1.3' },
      h4: { fontSize: '1.0625rem', lineHeight: '1.4' },
      h5: { fontSize: '0.9375rem', lineHeight: '1.45' },
      h6: { fontSize: '0.84375rem', lineHeight: '1.5' },
    },
  },
  // Plain objects: `Tooltip.extend` would load every component named here on every page.
  components: {
    Tooltip: { defaultProps: { withArrow: true, openDelay: 200 } },
    // Mantine's focus placeholder is no menu item, and a menu may contain only items: the first item gets the focus
    // instead.
    Menu: { defaultProps: { withInitialFocusPlaceholder: false } },
    Modal: { defaultProps: { centered: true, styles: title } },
    Drawer: { defaultProps: { overlayProps: { backgroundOpacity: 0.4 }, styles: title } },
    Button: { defaultProps: { size: 'sm' } },
    Tabs: { defaultProps: { classNames: tabs } },
    // A label of a thing is a small plate with its words as they are written, and no pill of capitals.
    Badge: { defaultProps: { tt: 'none', radius: 'sm', fw: 550, variant: 'default' } },
  },
})
