import type { QuotaResource } from '@stratolith/api/kernel/contract'
import type { Icon } from '@tabler/icons-react'
import type { GuidePlace } from '../guide/links.ts'

/**
 * What a room of the portal says about itself, in its room.ts; rooms.ts lists them, and the side bar, the
 * palette, what is live, the words of operations and of the audit log, and the quota pages are made of them.
 */
export type PortalRoom = {
  /** Its pages, in the groups of the side bar. */
  pages: readonly GroupedPage[]
  /** Of everything that its twin in the API has things of. */
  kinds: Readonly<Record<string, KindWords>>
  quota?: Readonly<Partial<Record<QuotaResource, QuotaWords>>>
}

/** `order`: among the pages of its group, where rooms mix; pages of the same order stand as rooms.ts lists their rooms. */
export type GroupedPage = Page & { group: GroupName; order?: number }

export type Page = {
  label: string
  href: string
  icon: Icon
  /** What the guide says of it. */
  help: GuidePlace
  /** Narrower than its group. */
  for?: Audience
  /** What can be made there, for the palette. */
  create?: { label: string; href: string; help?: GuidePlace }
}
/** `project`: of a project's things; `directory`, `cloud`: for those whose session reaches that far. */
export type Audience = 'everyone' | 'project' | 'directory' | 'cloud'

/** What the side bar shows: the pages of one project, or those of the cloud. */
export type Mode = 'project' | 'cloud'
type Group = { for: Audience; mode: Mode | 'both'; hidden?: 'heading' | 'whole' }

/** The groups of the side bar, in their order. A heading over one page says nothing; the account menu leads to the profile. */
export const groups = {
  Home: { mode: 'both', for: 'everyone', hidden: 'heading' },
  Compute: { mode: 'project', for: 'project' },
  Network: { mode: 'project', for: 'project' },
  Project: { mode: 'project', for: 'everyone' },
  Identity: { mode: 'cloud', for: 'directory' },
  Resources: { mode: 'cloud', for: 'cloud' },
  Admin: { mode: 'cloud', for: 'cloud' },
  Account: { mode: 'both', for: 'everyone', hidden: 'whole' },
} as const satisfies Record<string, Group>
export type GroupName = keyof typeof groups

export type KindWords = {
  /** In a sentence: "floating IP". Absent: people never read of it. */
  words?: string
  /** The page of one of them. */
  path?: (id: string) => string
  /**
   * Router paths of the queries that an event of it makes stale; a path covers everything below it. The first is that of
   * the things themselves.
   */
  live: readonly string[]
  /** There are events of it and no operations. */
  eventsOnly?: true
  /** Titles of operations where verb and kind are no sentence: console → "Open a console". */
  titles?: Readonly<Record<string, string>>
  /** What is said when an operation that takes its time has ended: start → "runs". */
  ends?: Readonly<Record<string, string>>
}

export type QuotaWords = {
  label: string
  format?: (amount: number) => string
  /** What is typed behind the number. */
  unit?: string
  /** The stock client's name: `openstack quota set --NAME`. Absent: it knows no such quota. */
  option?: string
}

/** What all rooms say, by name. Throws when two of them say the same: one would be silently lost. */
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

/** The pages of a group in their order. */
export const pagesOf = (rooms: readonly Pick<PortalRoom, 'pages'>[], name: GroupName): GroupedPage[] =>
  rooms
    .flatMap(({ pages }) => pages.filter(({ group }) => group === name))
    .toSorted((one, other) => (one.order ?? 0) - (other.order ?? 0))
