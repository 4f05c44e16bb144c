import { paths } from '../kit/paths.ts'

/** A page of the guide and one of its headings: `networking#routers` is a heading of docs/guide/networking.md. */
export type GuidePlace = `${string}#${string}`

/** Returns the portal's address for a link in the guide, which is written for readers of the repository. */
export function guideLink(href: string): string {
  const [, page, section] = /^([A-Za-z-]+)\.md(?:#(.*))?$/.exec(href) ?? []
  return page === undefined ? href : paths.help(page, section)
}

export function placeLink(place: GuidePlace): string {
  const [page, section] = place.split('#')
  return paths.help(page, section)
}

/** Returns the portal's address for a picture, which stands beside the text in docs/guide: `pictures/launch.webp`. */
export const pictureLink = (src: string): string => `/api/guide/${src.replace(/^pictures\//, '')}`
