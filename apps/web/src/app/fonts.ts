import localFont from 'next/font/local'

/**
 * The faces that we ship, of packages under the SIL Open Font License 1.1: nothing is fetched from elsewhere. Letters
 * that are not in the first file come from the second, which a page loads only when it has some of them; all others
 * are the system's. What stands in until a file is there is as wide (ui/global.css), so that nothing moves.
 */
const text = localFont({
  src: '../../../../node_modules/@fontsource-variable/inter/files/inter-latin-wght-normal.woff2',
  weight: '100 900',
  display: 'swap',
  adjustFontFallback: false,
  variable: '--font-text',
})
const textExtended = localFont({
  src: '../../../../node_modules/@fontsource-variable/inter/files/inter-latin-ext-wght-normal.woff2',
  weight: '100 900',
  display: 'swap',
  adjustFontFallback: false,
  preload: false,
  declarations: [
    {
      prop: 'unicode-range',
      value: 'U+0100-02BA, U+02BD-02C5, U+02C7-02CC, U+02CE-02FF, U+1E00-1E9F, U+20A0-20C0',
    },
  ],
  variable: '--font-text-extended',
})
const code = localFont({
  src: '../../../../node_modules/@fontsource-variable/jetbrains-mono/files/jetbrains-mono-latin-wght-normal.woff2',
  weight: '100 800',
  display: 'swap',
  adjustFontFallback: false,
  preload: false,
  variable: '--font-code',
})

/** For the root of the page: the variables that kit/theme.ts names. */
export const fontClasses = [text, textExtended, code].map(({ variable }) => variable).join(' ')
