import { descriptionInput } from '../kernel/contract.ts'
import { CloudError } from '../kernel/errors.ts'
import { HttpError } from './errors.ts'
import type { Call } from './operation.ts'
import { type Query, queryText } from './pages.ts'

/** Functions for all collections of Keystone v3, which the rooms identity, catalog and policy serve. */

/** The base URL, ".../identity/v3". */
export const keystoneBase = ({ deps }: Pick<Call, 'deps'>): string => `${deps.config.publicUrl}/identity/v3`

/** The links of a list: its own address with the query, and no other pages. */
export function collectionLinks(call: Pick<Call, 'deps' | 'request'>, path: string) {
  const at = call.request.raw.url?.indexOf('?') ?? -1
  const query = at < 0 ? '' : (call.request.raw.url ?? '').slice(at, at + 2000)
  return { next: null, self: `${keystoneBase(call)}/${path}${query}`, previous: null }
}

/** A list in Keystone's form; `truncated` says that there are more rows. */
export function collection<Row>(
  call: Pick<Call, 'deps' | 'request'>,
  path: string,
  key: string,
  listed: { items: readonly Row[]; next?: string | null; truncated?: boolean },
  view: (base: string, row: Row) => object,
): object {
  const base = keystoneBase(call)
  return {
    [key]: listed.items.map((row) => view(base, row)),
    links: collectionLinks(call, path),
    ...(listed.truncated || listed.next ? { truncated: true } : {}),
  }
}

/** Parses `?enabled`, `?enabled=true`, `?enabled=0` and the like. Throws 400 for other values. */
export function booleanFilter(query: Query, name: string): boolean | undefined {
  const text = queryText(query, name)
  if (text === undefined) return undefined
  if (!/^(true|false|1|0)?$/i.test(text)) throw new HttpError(400, `${name} is true or false.`)
  return !/^(false|0)$/i.test(text)
}

/** True when a switch such as `?effective` is on: with any value but 0 and false, as in Keystone. */
export const switchedOn = (query: Query, name: string): boolean =>
  Object.hasOwn(query, name) && !/^(0|false)$/i.test(queryText(query, name) ?? '')

const comparators: Record<string, string> = {
  exact: 'equals',
  equals: 'equals',
  contains: 'contains',
  startswith: 'startsWith',
  endswith: 'endsWith',
}
type Match = { equals?: string; contains?: string; startsWith?: string; endsWith?: string }

/** Combines `name`, `name__contains`, `name__istartswith` … into one match; undefined when none is given. */
export function textFilter(query: Query, attribute: string): (Match & { insensitive?: boolean }) | undefined {
  const found: Record<string, string> = {}
  const exact = queryText(query, attribute)
  if (exact !== undefined) found.equals = exact
  let insensitive = false
  for (const name of Object.keys(query)) {
    if (!name.startsWith(`${attribute}__`)) continue
    const [, i, word = ''] = /^(i?)(exact|equals|contains|startswith|endswith)$/.exec(
      name.slice(attribute.length + 2),
    ) ?? [null, '', '']
    const column = comparators[word]
    if (column === undefined) continue
    found[column] = queryText(query, name) ?? ''
    if (i === 'i') insensitive = true
  }
  return Object.keys(found).length === 0 ? undefined : { ...found, ...(insensitive ? { insensitive } : {}) }
}

/** Runs `work`, which stores a thing, and tells a taken name in Keystone's words. `where` may be "". */
export async function storing<T>(
  kind: string,
  { name, domainId }: { name: string; domainId?: string | null },
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof CloudError) || error.code !== 'already_exists') throw error
    const where = domainId ? ` at domain ID ${domainId}` : ''
    throw new HttpError(
      409,
      `Conflict occurred attempting to store ${kind} - Duplicate entry found with name ${name}${where}.`,
      { cause: error },
    )
  }
}

/** Refuses to change a key that Keystone never changes; the present value is accepted. */
export function unchangeable(given: Record<string, unknown>, kept: Record<string, unknown>): void {
  for (const [key, value] of Object.entries(kept))
    if (given[key] !== undefined && given[key] !== value)
      throw new HttpError(400, `${key} cannot be changed. Leave it out.`)
}

/** A part of the path: ":id", or the one of that name. */
export const idOf = (params: Record<string, string>, name = 'id'): string => params[name] ?? ''

/** Null is how clients leave a text away. */
export const description = descriptionInput.nullish().transform((text) => text ?? '')
/** Of a change: undefined leaves it as it is. */
export const newDescription = descriptionInput
  .nullish()
  .transform((text) => (text === null ? '' : text))
  .optional()
