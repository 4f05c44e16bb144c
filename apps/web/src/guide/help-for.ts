import { paths } from '../kit/paths.ts'
import type { PortalRoom } from '../kit/room.ts'
import type { GuidePlace } from './links.ts'

/**
 * What the guide says of a page: of the page of the side bar that it is or that it is below. Null: nothing, because the
 * page is of the guide itself or there is no such page.
 */
export function helpFor(rooms: readonly Pick<PortalRoom, 'pages'>[], pathname: string): GuidePlace | null {
  const pages = rooms.flatMap((room) => room.pages)
  const made = pages.find(({ create }) => create?.href === pathname)?.create?.help
  const isOf = (href: string) =>
    pathname === href || (href !== paths.overview && pathname.startsWith(`${href}/`))
  return made ?? pages.find(({ href }) => isOf(href))?.help ?? null
}
