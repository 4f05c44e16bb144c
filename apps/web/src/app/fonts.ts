import localFont from 'next/font/local'

/**
 * The fonts that the portal ships, from packages under the SIL Open Font License 1.1; nothing is fetched from
 * elsewhere. The second file has letters that the first one lacks, and a page loads it only when it needs one of them;
 * all other letters come from the system's fonts. A stand-in of the same width (ui/global.css) is used until a file has
 * loaded, so that nothing moves.
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

/** The classes for the root of the page: they define the variables that kit/theme.ts uses. */
export const fontClasses = [text, textExtended, code].map(({ variable }) => variable).join(' ')
