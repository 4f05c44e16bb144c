/** The rules of docs/design.md that a program can read in the portal's source. Each gives the places that break it. */
export type Source = { file: string; text: string }

const lineOf = (text: string, index: number): number => text.slice(0, index).split('\n').length
const found = (sources: readonly Source[], pattern: RegExp, but: (file: string) => boolean = () => false) =>
  sources.flatMap(({ file, text }) =>
    but(file)
      ? []
      : [...text.matchAll(pattern)].map(
          (match) => `${file}:${lineOf(text, match.index)}: ${match[1] ?? match[0]}`,
        ),
  )

const names = 'red|pink|grape|violet|indigo|blue|cyan|teal|green|lime|yellow|orange'
/** A colour says what it means: the names of paints are for the theme alone. */
export const paintNames = (sources: readonly Source[]): string[] =>
  found(sources, new RegExp(`mantine-color-(?:${names})\\b|['"](?:${names})(?:\\.\\d)?['"]`, 'g'))

/** And so are numbers of colours; a console's ground, a code to be photographed and the logo are no part of the look. */
export const paintNumbers = (sources: readonly Source[]): string[] =>
  found(
    sources.filter(({ file }) => !file.endsWith('.test.ts')),
    /#(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{6}|[0-9a-fA-F]{8})\b(?=['";\s),])/g,
    (file) => /kit\/theme\.ts|consoles\/|profile\/QrCode\.tsx|ui\/Logo\.tsx/.test(file),
  )

/** What people come to a page for is made by one component, which has no variant and no size of its own. */
export const mainActionsByHand = (sources: readonly Source[]): string[] =>
  found(
    sources,
    /<(?:Reason)?Button\s(?:(?!variant=|size=|<)[\s\S])*?leftSection=\{<Icon(?:Plus|Upload|Rocket|UserPlus)\b[^>]*>\}(?![^<]*?\bvariant=)/g,
    (file) => file.endsWith('kit/MainAction.tsx'),
  )

/** It stands in the title row, not above the table. */
export const mainActionsInToolbars = (sources: readonly Source[]): string[] =>
  found(sources, /toolbar=\{\s*(?:\w+ \? \w* : )?(<(?:MainAction|LaunchButton)\b)/g)

/** All tables look and behave alike, because the kit draws them. */
export const tablesByHand = (sources: readonly Source[]): string[] => found(sources, /<Table(?:\.\w+)?[\s>]/g)

/** A part whose code is loaded later must not break the page when its code does not arrive: the kit's lazyPart sees to it. */
export const partsByHand = (sources: readonly Source[]): string[] =>
  found(sources, /\b(?:lazy|dynamic)(?:<[^>]*>)?\(|['"]next\/dynamic['"]/g, (file) =>
    file.endsWith('kit/lazy-part.tsx'),
  )

/** “Create network”: a verb and a thing, without an article and in small letters but for names. */
export const oddLabels = (sources: readonly Source[]): string[] =>
  found(
    sources,
    /<MainAction\b[^>]*?\blabel="((?!(?:Create|Launch|Upload|Allocate|Assign|Import|Add) (?!an? |the )[a-z][A-Za-z ]*")[^"]*)"/g,
  )

/** The words of states, each in one place: `state="Stopped"`, `{ text: 'Stopped', tone: 'off' }`. */
export function stateWords(sources: readonly Source[]): string[] {
  const patterns = [
    /\bstate=(?:"|\{`)([A-Z][^"`$·]*?)(?:"| ·|`)/g,
    /\b(?:text|label|word|state): '([A-Z][^']*)',\s*tone:/g,
    /\btone: '\w+', state: '([A-Z][^']*)'/g,
    /\blabel: '([A-Z][^']*)', status:/g,
  ]
  /** The words of instances stand in a list of their own. */
  const list = /^ {2}(?!label)'?[\w-]+'?: '([A-Z][^']*)',$/gm
  const words = sources.flatMap(({ file, text }) =>
    [...patterns, ...(file.endsWith('instances/state.ts') ? [list] : [])].flatMap((pattern) =>
      [...text.matchAll(pattern)].map(([, word = '']) => word),
    ),
  )
  return [...new Set(words)].sort()
}

/** Those that the table of states in docs/design.md lists, in its first column. */
export const listedStates = (page: string): string[] => {
  const [, part = ''] = page.split(/^## States$/m)
  const [table = ''] = part.split(/^## /m)
  return [...table.matchAll(/^\| ([^|]+) \|/gm)].flatMap(([, cell = '']) =>
    cell
      .split(',')
      .map((word) => word.trim())
      .filter((word) => /^[A-Z]/.test(word) && word !== 'Words'),
  )
}
