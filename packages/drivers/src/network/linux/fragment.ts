import { createHash } from 'node:crypto'
import { z } from 'zod'

/**
 * A fragment is a part of the ruleset as data: it is written in one nft transaction, removed in one, and compared
 * with what the kernel has. Every rule carries the digest of its own text as comment, so
 * that reading it back proves which rules are there and in which order, however nft prints them.
 */
export type Family = 'bridge' | 'inet' | 'ip'
export type Chain = { family: Family; name: string; hook?: string; rules: readonly string[] }
export type Element = { family: Family; map: string; key: string; value: string }
/** `exact`: the fragment holds all elements of the map, and others are removed. */
export type NftMap = { family: Family; name: string; type: string; exact?: boolean }
/** `members` null: the set must exist, and another fragment fills it. */
export type AddressSet = { family: Family; name: string; members: readonly string[] | null }
export type Fragment = {
  /** The nft table of the fragment; `stratolith` when absent. */
  table?: string
  maps?: readonly NftMap[]
  sets?: readonly AddressSet[]
  chains?: readonly Chain[]
  elements?: readonly Element[]
}

export const ownTable = 'stratolith'

const comment = (rule: string) => createHash('sha256').update(rule).digest('hex').slice(0, 16)

/**
 * The nft text that makes the kernel equal to the fragment. `current` is the ruleset of the kernel: nft cannot
 * overwrite a map element with another value (left by a crash), so the text deletes and adds it in the transaction.
 */
export function applyText(fragment: Fragment, current: Ruleset): string {
  const { table = ownTable, maps = [], sets = [], chains = [], elements = [] } = fragment
  const lines: string[] = []
  for (const family of new Set([...maps, ...chains, ...sets].map((part) => part.family)))
    lines.push(`add table ${family} ${table}`)
  for (const map of maps) {
    lines.push(`add map ${map.family} ${table} ${map.name} { type ${map.type}; }`)
    if (map.exact) lines.push(`flush map ${map.family} ${table} ${map.name}`)
  }
  for (const set of sets) lines.push(...setText(table, set))
  for (const chain of chains) {
    const hook = chain.hook ? ` { ${chain.hook} }` : ''
    lines.push(`add chain ${chain.family} ${table} ${chain.name}${hook}`)
    lines.push(`flush chain ${chain.family} ${table} ${chain.name}`)
  }
  for (const chain of chains)
    for (const rule of chain.rules)
      lines.push(`add rule ${chain.family} ${table} ${chain.name} ${rule} comment "${comment(rule)}"`)
  for (const e of elements) {
    const isFlushed = maps.some((map) => map.exact && map.family === e.family && map.name === e.map)
    const found = isFlushed ? undefined : elementOf(current, e)
    if (found !== undefined && found !== e.value)
      lines.push(`delete element ${e.family} ${table} ${e.map} { ${e.key} }`)
    if (found !== e.value) lines.push(`add element ${e.family} ${table} ${e.map} { ${e.key} : ${e.value} }`)
  }
  return `${lines.join('\n')}\n`
}

function setText(table: string, { family, name, members }: AddressSet): string[] {
  const lines = [`add set ${family} ${table} ${name} { type ipv4_addr; }`]
  if (members) lines.push(`flush set ${family} ${table} ${name}`)
  if (members && members.length > 0)
    lines.push(`add element ${family} ${table} ${name} { ${members.join(', ')} }`)
  return lines
}

/** The nft text that removes the parts of the fragment that exist; '' when none does. */
export function removeText(fragment: Fragment, current: Ruleset): string {
  const { table = ownTable, sets = [], chains = [], elements = [] } = fragment
  const lines: string[] = []
  for (const e of elements)
    if (elementOf(current, e) === e.value)
      lines.push(`delete element ${e.family} ${table} ${e.map} { ${e.key} }`)
  const found = chains.filter((chain) => current.chains.has(`${chain.family}/${chain.name}`))
  for (const chain of found) lines.push(`flush chain ${chain.family} ${table} ${chain.name}`)
  for (const chain of found) lines.push(`delete chain ${chain.family} ${table} ${chain.name}`)
  for (const set of sets)
    if (set.members && current.sets.has(`${set.family}/${set.name}`))
      lines.push(`delete set ${set.family} ${table} ${set.name}`)
  return lines.length > 0 ? `${lines.join('\n')}\n` : ''
}

/** Removes from `ruleset` the parts that removeText has removed from the kernel. */
export function forget(ruleset: Ruleset, { sets = [], chains = [], elements = [] }: Fragment): void {
  for (const e of elements)
    if (elementOf(ruleset, e) === e.value) ruleset.maps.get(`${e.family}/${e.map}`)?.delete(plainKey(e.key))
  for (const { family, name } of chains) {
    ruleset.chains.delete(`${family}/${name}`)
    ruleset.hooks.delete(`${family}/${name}`)
  }
  for (const { family, name, members } of sets) if (members) ruleset.sets.delete(`${family}/${name}`)
}

const elementOf = (ruleset: Ruleset, { family, map, key }: Element): string | undefined =>
  ruleset.maps.get(`${family}/${map}`)?.get(plainKey(key))
const plainKey = (key: string): string =>
  key.startsWith('"') ? key.slice(1, -1) : key.startsWith('0x') ? String(Number(key)) : key

/** A chain, map or set that can be listed by itself; `key` names it among all of them. */
export type Piece = { key: string; kind: 'chain' | 'map' | 'set'; family: Family; name: string }

/** All pieces of the kernel's ruleset that must be read to compare it with the fragment. */
export function piecesOf({ maps = [], sets = [], chains = [], elements = [] }: Fragment): Piece[] {
  const pieces = new Map<string, Piece>()
  const add = (kind: Piece['kind'], family: Family, name: string) => {
    const key = `${kind} ${family}/${name}`
    pieces.set(key, { key, kind, family, name })
  }
  for (const { family, name } of chains) add('chain', family, name)
  for (const { family, name } of maps) add('map', family, name)
  for (const { family, map } of elements) add('map', family, map)
  for (const { family, name } of sets) add('set', family, name)
  return [...pieces.values()]
}

/** Copies a piece from `read` to `ruleset`, or removes the piece from `ruleset` when `read` does not have it. */
export function replacePiece(ruleset: Ruleset, { kind, family, name }: Piece, read: Ruleset): void {
  const key = `${family}/${name}`
  const parts: (keyof Ruleset)[] =
    kind === 'chain' ? ['chains', 'hooks'] : kind === 'map' ? ['maps'] : ['sets']
  for (const part of parts) {
    const from = read[part] as Map<string, unknown>
    const to = ruleset[part] as Map<string, unknown>
    if (from.has(key)) to.set(key, from.get(key))
    else to.delete(key)
  }
}

/** True for a fragment without maps and hooks: the kernel's echo of such a fragment is complete. */
export const isSimple = ({ maps = [], chains = [] }: Fragment): boolean =>
  maps.length === 0 && chains.every(({ hook }) => hook === undefined)

/** Updates a simple fragment in `ruleset` from the kernel's echo, `said`. */
export function takeEcho(ruleset: Ruleset, fragment: Fragment, said: Ruleset): void {
  const { sets = [], chains = [], elements = [] } = fragment
  for (const { family, name } of chains) {
    const key = `${family}/${name}`
    const rules = said.chains.get(key)
    if (rules) ruleset.chains.set(key, rules)
    else ruleset.chains.delete(key)
  }
  for (const { family, name, members } of sets) {
    const key = `${family}/${name}`
    const found = said.sets.get(key)
    // A set that another fragment fills keeps its members.
    if (!found) ruleset.sets.delete(key)
    else if (members || !ruleset.sets.has(key)) ruleset.sets.set(key, found)
  }
  for (const { family, map, key } of elements) {
    const value = said.maps.get(`${family}/${map}`)?.get(plainKey(key))
    if (value !== undefined) ruleset.maps.get(`${family}/${map}`)?.set(plainKey(key), value)
  }
}

/** The parsed output of `nft -j list` for the tables of one name: comments of rules by chain, elements by map or set. */
export type Ruleset = {
  chains: Map<string, string[]>
  hooks: Map<string, string>
  maps: Map<string, Map<string, string>>
  sets: Map<string, Set<string>>
}

const named = z.looseObject({ family: z.string(), table: z.string().optional(), name: z.string().optional() })
const chainShape = named.extend({
  hook: z.string().optional(),
  prio: z.number().optional(),
  policy: z.string().optional(),
})
const ruleShape = named.extend({ chain: z.string(), comment: z.string().optional() })
const setShape = named.extend({ elem: z.array(z.unknown()).optional() })
const elementShape = named.extend({ elem: z.object({ set: z.array(z.unknown()) }) })
const item = z.object({
  chain: chainShape.optional(),
  rule: ruleShape.optional(),
  map: setShape.optional(),
  set: setShape.optional(),
  element: elementShape.optional(),
})
/** An object that is bare in a listing is wrapped in `add` in an echo. */
const listing = z.object({ nftables: z.array(item.extend({ add: item.optional() })) })
const verdict = z.object({ goto: z.object({ target: z.string() }).optional(), accept: z.null().optional() })

export function emptyRuleset(): Ruleset {
  return { chains: new Map(), hooks: new Map(), maps: new Map(), sets: new Map() }
}

export function parseRuleset(json: unknown, table = ownTable): Ruleset {
  const ruleset = emptyRuleset()
  for (const entry of listing.parse(json).nftables) {
    const { chain, rule, map, set, element } = entry.add ?? entry
    if (chain?.table === table) {
      ruleset.chains.set(`${chain.family}/${chain.name}`, [])
      if (chain.hook)
        ruleset.hooks.set(`${chain.family}/${chain.name}`, `${chain.hook} ${chain.prio} ${chain.policy}`)
    }
    if (rule?.table === table)
      ruleset.chains.get(`${rule.family}/${rule.chain}`)?.push(rule.comment ?? 'a rule without our mark')
    if (map?.table === table) ruleset.maps.set(`${map.family}/${map.name}`, mapElements(map.elem ?? []))
    if (set?.table === table)
      ruleset.sets.set(`${set.family}/${set.name}`, new Set((set.elem ?? []).map(String)))
    if (element?.table === table) addElements(ruleset, `${element.family}/${element.name}`, element.elem.set)
  }
  return ruleset
}

/** Adds elements to a set (plain values) or to a map (pairs). */
function addElements(ruleset: Ruleset, key: string, elements: readonly unknown[]): void {
  const plain = elements.filter((element) => !Array.isArray(element)).map(String)
  if (plain.length > 0) ruleset.sets.set(key, new Set([...(ruleset.sets.get(key) ?? []), ...plain]))
  const pairs = mapElements(elements)
  if (pairs.size > 0) ruleset.maps.set(key, new Map([...(ruleset.maps.get(key) ?? []), ...pairs]))
}

function mapElements(elements: readonly unknown[]): Map<string, string> {
  const found = new Map<string, string>()
  for (const element of elements) {
    if (!Array.isArray(element)) continue
    const [key, value] = element as [unknown, unknown]
    if (typeof value === 'string') found.set(String(key), value)
    else {
      const parsed = verdict.safeParse(value)
      found.set(String(key), parsed.data?.goto ? `goto ${parsed.data.goto.target}` : 'accept')
    }
  }
  return found
}

/** Null when the kernel has the fragment exactly; else a sentence about the first difference. */
export function difference(fragment: Fragment, ruleset: Ruleset): string | null {
  for (const chain of fragment.chains ?? []) {
    const key = `${chain.family}/${chain.name}`
    const found = ruleset.chains.get(key)
    if (!found) return `chain ${key} is missing`
    if (chain.hook && ruleset.hooks.get(key) !== hookKey(chain.hook)) return `chain ${key} has another hook`
    const wanted = chain.rules.map(comment)
    if (found.length !== wanted.length || found.some((mark, i) => mark !== wanted[i]))
      return `chain ${key} has other rules`
  }
  for (const map of fragment.maps ?? []) {
    const found = ruleset.maps.get(`${map.family}/${map.name}`)
    if (!found) return `map ${map.family}/${map.name} is missing`
    const wanted = (fragment.elements ?? []).filter((e) => e.family === map.family && e.map === map.name)
    if (map.exact && found.size !== wanted.length) return `map ${map.family}/${map.name} has other elements`
  }
  for (const e of fragment.elements ?? [])
    if (elementOf(ruleset, e) !== e.value) return `map ${e.family}/${e.map} lacks ${e.key}`
  for (const set of fragment.sets ?? []) {
    const found = ruleset.sets.get(`${set.family}/${set.name}`)
    if (!found) return `set ${set.family}/${set.name} is missing`
    if (set.members && (found.size !== new Set(set.members).size || set.members.some((m) => !found.has(m))))
      return `set ${set.family}/${set.name} has other members`
  }
  return null
}

/** Turns `type filter hook forward priority 0; policy drop;` into the form of parseRuleset, `forward 0 drop`. */
function hookKey(hook: string): string {
  const match = /hook (\w+) priority (-?\d+); policy (\w+);/.exec(hook)
  return match ? `${match[1]} ${match[2]} ${match[3]}` : hook
}
