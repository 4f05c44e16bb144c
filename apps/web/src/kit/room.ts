import type { QuotaResource } from '@stratolith/api/kernel/contract'
import type { Icon } from '@tabler/icons-react'
import type { GuidePlace } from '../guide/links.ts'

/**
 * What a room of the portal says about itself in its room.ts. rooms.ts lists the rooms, and the following is derived
 * from them: the side bar, the palette, the keys of live queries, the words of operations and of the audit log, and the
 * quota pages.
 */
export type PortalRoom = {
  /** The room's pages, in the groups of the side bar. */
  pages: readonly GroupedPage[]
  /** The words for every kind that the room's twin in the API has. */
  kinds: Readonly<Record<string, KindWords>>
  quota?: Readonly<Partial<Record<QuotaResource, QuotaWords>>>
}

/**
 * `order` is the page's position among the pages of its group, where several rooms have pages. Pages of the same order
 * stand as rooms.ts lists their rooms.
 */
export type GroupedPage = Page & { group: GroupName; order?: number }

export type Page = {
  label: string
  href: string
  icon: Icon
  /** The place in the guide that explains the page. */
  help: GuidePlace
  /** The audience of the page, if it is smaller than that of its group. */
  for?: Audience
  /** The address of the page that leads here, for a page of a group that the side bar does not show. */
  from?: string
  /** The thing that can be made on the page, for the palette. */
  create?: { label: string; href: string; help?: GuidePlace }
}
/** `project`: pages about a project's things. `directory`, `cloud`: pages for sessions that reach that far. */
export type Audience = 'everyone' | 'project' | 'directory' | 'cloud'

/** The two modes of the side bar: the pages of one project, or those of the cloud. */
export type Mode = 'project' | 'cloud'
type Group = { for: Audience; mode: Mode | 'both'; hidden?: 'heading' | 'whole' }

/**
 * The groups of the side bar, in their order. A group of one page needs no heading; the account menu leads to the
 * profile.
 */
export const groups = {
  Home: { mode: 'both', for: 'everyone', hidden: 'heading' },
  Compute: { mode: 'project', for: 'project' },
  Network: { mode: 'project', for: 'project' },
  Project: { mode: 'project', for: 'everyone' },
  Identity: { mode: 'cloud', for: 'directory' },
  Resources: { mode: 'cloud', for: 'cloud' },
  /** Pages to which Volumes leads, because the side bar has no room for them. */
  'Project storage': { mode: 'project', for: 'project', hidden: 'whole' },
  /** Pages to which All volumes leads, because the side bar has no room for them. */
  Storage: { mode: 'cloud', for: 'cloud', hidden: 'whole' },
  Admin: { mode: 'cloud', for: 'cloud' },
  Account: { mode: 'both', for: 'everyone', hidden: 'whole' },
} as const satisfies Record<string, Group>
export type GroupName = keyof typeof groups

export type KindWords = {
  /** The noun inside of a sentence: "floating IP". Left out when people never read of this kind. */
  words?: string
  /** Returns the address of the page of one thing. */
  path?: (id: string) => string
  /**
   * The router paths of the queries that an event of this kind makes stale; a path covers everything below it. The
   * first path is that of the things themselves.
   */
  live: readonly string[]
  /** This kind has events but no operations. */
  eventsOnly?: true
  /** Titles of operations for which verb and kind do not make a sentence: console → "Open a console". */
  titles?: Readonly<Record<string, string>>
  /** What the portal says when an operation that takes some time has ended: start → "runs". */
  ends?: Readonly<Record<string, string>>
}

export type QuotaWords = {
  label: string
  format?: (amount: number) => string
  /** The unit that stands behind the number. */
  unit?: string
  /** The name in the stock client: `openstack quota set --NAME`. Left out when the client has no such quota. */
  option?: string
  /** Nothing is counted: the limit holds for each single thing. */
  each?: true
}

/**
 * Joins the words of all rooms by name. Throws when two rooms define the same name, because one definition would be
 * silently lost.
 */
export function joined<T>(
  what: string,
  parts: readonly (Readonly<Record<string, T>> | undefined)[],
): Readonly<Record<string, T>> {
  const all: Record<string, T> = {}
  for (const [name, one] of parts.flatMap((part) => Object.entries(part ?? {}))) {
    if (Object.hasOwn(all, name)) throw new Error(`Two rooms of the portal say the ${what} “${name}”.`)
    all[name] = one
  }
  return all
}

/** Returns the pages of a group in their order. */
export const pagesOf = (rooms: readonly Pick<PortalRoom, 'pages'>[], name: GroupName): GroupedPage[] =>
  rooms
    .flatMap(({ pages }) => pages.filter(({ group }) => group === name))
    .toSorted((one, other) => (one.order ?? 0) - (other.order ?? 0))
