import { createHash } from 'node:crypto'
import type { Entry, Filter } from 'ldapts'
import type { Connection, Directory } from './connection.ts'
import { ldapts } from './ldapts.ts'

/** A user as the directory describes them, in our terms. */
export type LdapUser = { externalId: string; dn: string; name: string; email: string | null }
export type LdapGroup = { externalId: string; name: string }

const maxName = 255

/** Ids of Active Directory are bytes: they are stored in hex and sent back as bytes. */
const isBinary = (attribute: string) => /^object(guid|sid)$/i.test(attribute)
const idFilter = (attribute: string, externalId: string): Filter =>
  new (ldapts().EqualityFilter)({
    attribute,
    value: isBinary(attribute) ? Buffer.from(externalId, 'hex') : externalId,
  })

/** The first value of an attribute. Servers differ in the case of attribute names. */
function firstOf(entry: Entry, attribute: string): string | null {
  const key = Object.keys(entry).find((name) => name.toLowerCase() === attribute.toLowerCase())
  const value = key === undefined ? undefined : entry[key]
  const first = Array.isArray(value) ? value[0] : value
  if (first === undefined || first.length === 0) return null
  return typeof first === 'string' ? first : first.toString(isBinary(attribute) ? 'hex' : 'utf8')
}

/** PostgreSQL stores no NUL, and the rest of the cloud allows no control characters or endless names. */
const isName = (text: string) => text.length <= maxName && !/[\p{Cc}\p{Cs}]/u.test(text)

function userOf({ settings: { users } }: Directory, entry: Entry): LdapUser | null {
  const externalId = firstOf(entry, users.id)
  const name = firstOf(entry, users.name)
  const email = firstOf(entry, users.mail)
  if (externalId === null || name === null || entry.dn === '') return null
  if (![externalId, name].every(isName)) return null
  return { externalId, dn: entry.dn, name, email: email !== null && isName(email) ? email : null }
}

const userSearch = ({ settings: { users } }: Directory, and?: Filter) => ({
  base: users.base,
  filter: users.filter,
  and,
  attributes: [users.id, users.name, users.mail],
})

/** Null for an unknown name, and for a name that two users have. */
export async function userByName(
  directory: Directory,
  connection: Connection,
  name: string,
): Promise<LdapUser | null> {
  const and = new (ldapts().EqualityFilter)({ attribute: directory.settings.users.name, value: name })
  const found = await connection.search({ ...userSearch(directory, and), sizeLimit: 2 })
  const [only] = found
  return only && found.length === 1 ? userOf(directory, only) : null
}

/**
 * Returns those of the ids that the directory (still) has and that its filter lets in. The caller passes a hundred ids
 * at most.
 */
export async function usersById(
  directory: Directory,
  connection: Connection,
  externalIds: readonly string[],
): Promise<LdapUser[]> {
  const filters = externalIds.map((id) => idFilter(directory.settings.users.id, id))
  const search = userSearch(directory, new (ldapts().OrFilter)({ filters }))
  const found = await connection.search({ ...search, sizeLimit: externalIds.length + 1 })
  const wanted = new Set(externalIds)
  return mapped(found, (entry) => userOf(directory, entry)).filter((user) => wanted.has(user.externalId))
}

/** All users whom the filter lets in, page by page. */
export async function* allUsers(directory: Directory, connection: Connection): AsyncGenerator<LdapUser[]> {
  for await (const entries of connection.pages(userSearch(directory)))
    yield mapped(entries, (entry) => userOf(directory, entry))
}

export async function* allGroups(directory: Directory, connection: Connection): AsyncGenerator<LdapGroup[]> {
  const { groups } = directory.settings
  if (!groups) return
  const { base, filter, id, name } = groups
  for await (const entries of connection.pages({ base, filter, attributes: [id, name] }))
    yield mapped(entries, (entry) => groupOf(groups, entry))
}

/** The groups that list the user as a member. Groups inside groups are not followed. */
export async function groupsOf(
  directory: Directory,
  connection: Connection,
  userDn: string,
): Promise<LdapGroup[]> {
  const { groups, limit } = directory.settings
  if (!groups) return []
  const { base, filter, id, name, member } = groups
  const and = new (ldapts().EqualityFilter)({ attribute: member, value: userDn })
  const entries = await connection.search({ base, filter, and, attributes: [id, name], sizeLimit: limit })
  return mapped(entries, (entry) => groupOf(groups, entry))
}

function groupOf(groups: { id: string; name: string }, entry: Entry): LdapGroup | null {
  const externalId = firstOf(entry, groups.id)
  const name = firstOf(entry, groups.name)
  return externalId !== null && name !== null && [externalId, name].every(isName)
    ? { externalId, name }
    : null
}

const mapped = <T>(entries: Entry[], fn: (entry: Entry) => T | null): T[] =>
  entries.map(fn).filter((item) => item !== null)

/**
 * Our id of a user or group of a directory. The id is the same after every start and in every process, as Keystone's
 * public ids are (SHA-256 in hex, 64 characters).
 */
export const publicId = (kind: 'user' | 'group', domainId: string, externalId: string): string =>
  createHash('sha256').update([kind, domainId, externalId].join('\n')).digest('hex')
