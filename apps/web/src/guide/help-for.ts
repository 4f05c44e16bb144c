import { paths } from '../kit/paths.ts'
import type { PortalRoom } from '../kit/room.ts'
import type { GuidePlace } from './links.ts'

/**
 * Returns the place in the guide that explains a page: the place of the page in the side bar that is this page or above
 * it. Null: the page is part of the guide, or there is no such page.
 */
export function helpFor(rooms: readonly Pick<PortalRoom, 'pages'>[], pathname: string): GuidePlace | null {
  const pages = rooms.flatMap((room) => room.pages)
  const made = pages.find(({ create }) => create?.href === pathname)?.create?.help
  const isOf = (href: string) =>
    pathname === href || (href !== paths.overview && pathname.startsWith(`${href}/`))
  return made ?? pages.find(({ href }) => isOf(href))?.help ?? null
}
