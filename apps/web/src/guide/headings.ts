import GithubSlugger from 'github-slugger'

export type Heading = { depth: 2 | 3; title: string; id: string }

/** Returns the title of a page of the guide. */
export const titleOf = (text: string): string => /^# (.+)$/m.exec(text)?.[1] ?? ''

/** Returns the headings of a page, with the anchors that repositories and the portal give them. */
export function headingsOf(text: string): Heading[] {
  const slugger = new GithubSlugger()
  const prose = text.replaceAll(/^```[\s\S]*?^```/gm, '')
  return [...prose.matchAll(/^(#{1,3}) (.+)$/gm)].flatMap(([, marks = '', title = '']) => {
    // The page's title uses an anchor, too.
    const id = slugger.slug(title)
    return marks.length === 1 ? [] : [{ depth: marks.length === 2 ? 2 : 3, title, id } as const]
  })
}
