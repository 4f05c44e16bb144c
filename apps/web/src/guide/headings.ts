import GithubSlugger from 'github-slugger'

export type Heading = { depth: 2 | 3; title: string; id: string }

/** The name of a page of the guide. */
export const titleOf = (text: string): string => /^# (.+)$/m.exec(text)?.[1] ?? ''

/** What a page of the guide has, with the anchors that repositories and the portal give its headings. */
export function headingsOf(text: string): Heading[] {
  const slugger = new GithubSlugger()
  const prose = text.replaceAll(/^```[\s\S]*?^```/gm, '')
  return [...prose.matchAll(/^(#{1,3}) (.+)$/gm)].flatMap(([, marks = '', title = '']) => {
    // The name of the page takes its anchor, too.
    const id = slugger.slug(title)
    return marks.length === 1 ? [] : [{ depth: marks.length === 2 ? 2 : 3, title, id } as const]
  })
}
