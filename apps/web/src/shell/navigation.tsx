import type { ReactNode } from 'react'
import { cloudPlace, paths } from '../kit/paths.ts'
import { reachOf } from '../kit/place.ts'
import { type Audience, type GroupName, groups, type Mode, type Page, pagesOf } from '../kit/room.ts'
import type { Session } from '../kit/session.ts'
import { rooms } from '../rooms.ts'

type NavItem = Omit<Page, 'icon'> & { icon: ReactNode }
type NavGroup = {
  label: string
  for: Audience
  mode: Mode | 'both'
  hidden?: 'heading' | 'whole'
  items: NavItem[]
}

/** The map of the portal: the side bar shows it, and the palette searches it. */
const navigation: NavGroup[] = (Object.keys(groups) as GroupName[]).map((label) => ({
  label,
  ...groups[label],
  items: pagesOf(rooms, label).map(({ icon: Icon, ...page }) => ({ ...page, icon: <Icon size={18} /> })),
}))

/** Returns the groups and pages that this session may open. */
export function navigationFor(session: Session): NavGroup[] {
  const { cloud, directory } = reachOf(session)
  const open: Record<Audience, boolean> = {
    everyone: true,
    project: session.project !== null,
    directory,
    cloud,
  }
  return navigation.flatMap((group) => {
    const items = open[group.for] ? group.items.filter((item) => open[item.for ?? 'everyone']) : []
    return items.length > 0 ? [{ ...group, items }] : []
  })
}

/** Returns the mode of the page that is open. */
export const modeOf = ({ at }: Pick<Session, 'at'>): Mode => (at === cloudPlace ? 'cloud' : 'project')

/** Returns the groups that the side bar shows. */
export const sideBarFor = (session: Session): NavGroup[] =>
  navigationFor(session).filter(
    ({ mode, hidden }) => (mode === 'both' || mode === modeOf(session)) && hidden !== 'whole',
  )

/**
 * Returns the page that opens in another project after a switch: the list that is open or that had the open thing, and
 * the overview after a page of the cloud.
 */
export function sameKind(pathname: string): string {
  if (pathname === paths.launch) return paths.launch
  const items = navigation.flatMap(({ mode, items }) => (mode === 'cloud' ? [] : items))
  return items.find(({ href }) => href !== paths.overview && isHere(href, pathname))?.href ?? paths.overview
}

/** Returns the list of the same things in all projects, when there is one that this session may open. */
export function cloudListOf(session: Session, pathname: string): Pick<NavItem, 'href' | 'label'> | null {
  const own = sameKind(pathname)
  const items = navigationFor(session).flatMap(({ items }) => items)
  return items.find(({ href }) => href === `/admin${own === paths.launch ? paths.instances : own}`) ?? null
}

/** An audience to which a session may not belong. */
export type ClosedTo = Exclude<Audience, 'everyone'>

/**
 * Returns the audience of a page that is closed to this session, else null. The pages of single things find out
 * themselves whether they may be read, except those below /admin; a project's own page is open to its members.
 */
export function closedTo(session: Session, pathname: string): ClosedTo | null {
  const open = new Set(navigationFor(session).flatMap(({ items }) => items.map(({ href }) => href)))
  const belongsTo = (href: string) =>
    pathname === href || (href.startsWith('/admin/') && href !== paths.projects && isHere(href, pathname))
  for (const group of navigation)
    for (const item of group.items) {
      const audience = item.for ?? group.for
      const meant = belongsTo(item.href) || item.create?.href === pathname
      if (meant && audience !== 'everyone' && !open.has(item.href)) return audience
    }
  return null
}

export const isHere = (href: string, pathname: string): boolean =>
  href === paths.overview ? pathname === href : pathname === href || pathname.startsWith(`${href}/`)

const led = navigation.flatMap(({ items }) => items.filter(({ from }) => from !== undefined))

/** Answers whether the side bar marks the page as the open one: also when the page has led to the open one. */
export const isMarked = (href: string, pathname: string): boolean =>
  isHere(href, pathname) || led.some((page) => page.from === href && isHere(page.href, pathname))

/** Returns the page that leads to the list that is open, when the side bar does not show the list. */
export function pageBefore(pathname: string): Pick<NavItem, 'href' | 'label'> | null {
  const from = led.find(({ href }) => href === pathname)?.from
  return navigation.flatMap(({ items }) => items).find(({ href }) => href === from) ?? null
}
