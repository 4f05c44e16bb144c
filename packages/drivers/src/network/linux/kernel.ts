import { z } from 'zod'
import { DriverError } from '../../errors.ts'
import type { Op } from '../../op.ts'
import { nft, runJson } from './exec.ts'
import {
  applyText,
  difference,
  emptyRuleset,
  type Fragment,
  parseRuleset,
  type Ruleset,
  removeText,
} from './fragment.ts'
import { namespaceExists } from './namespace.ts'

export type Link = { name: string; up: boolean; mtu: number; master: string | null; alias: string }
/** What the kernel says is in one namespace, read in one go. */
export type Kernel = { links: Map<string, Link>; rules: Ruleset }

const linkShape = z.looseObject({
  ifname: z.string(),
  flags: z.array(z.string()),
  mtu: z.number(),
  master: z.string().optional(),
  ifalias: z.string().optional(),
})

export async function readLinks(op: Op, namespace: string | undefined): Promise<Map<string, Link>> {
  const json = z.array(linkShape).parse(await runJson(op, ['ip', '-j', 'link', 'show'], { namespace }))
  return new Map(
    json.map((link) => [
      link.ifname,
      {
        name: link.ifname,
        up: link.flags.includes('UP'),
        mtu: link.mtu,
        master: link.master ?? null,
        alias: link.ifalias ?? '',
      },
    ]),
  )
}

/** Our rules in one of our namespaces; with `table` those of that inet table alone, wherever it is. */
export async function readRules(op: Op, namespace: string | undefined, table?: string): Promise<Ruleset> {
  const what = table === undefined ? ['ruleset'] : ['table', 'inet', table]
  // 1: there is no such table.
  const options = { namespace, accept: table === undefined ? [0] : [0, 1] }
  const json = await runJson(op, ['nft', '-j', '-s', 'list', ...what], options)
  return Array.isArray(json) ? emptyRuleset() : parseRuleset(json, table)
}

export async function readKernel(op: Op, namespace: string): Promise<Kernel> {
  if (!namespaceExists(namespace)) return { links: new Map(), rules: emptyRuleset() }
  const [links, rules] = await Promise.all([readLinks(op, namespace), readRules(op, namespace)])
  return { links, rules }
}

/** Resource ids by kind and what else the alias of their link says: `<kind> <id> <slot>`. */
export function owned(kernel: Kernel, kind: string): { id: string; slot: number; link: Link }[] {
  return [...kernel.links.values()].flatMap((link) => {
    const [word, id, slot] = link.alias.split(' ')
    return word === kind && id ? [{ id, slot: Number(slot), link }] : []
  })
}

/**
 * Applies a fragment and reads it back; raises `failed` when the kernel has something else afterwards.
 * Returns all rules of the namespace as they are now.
 */
export async function applyFragment(
  op: Op,
  namespace: string | undefined,
  fragment: Fragment,
  current: Ruleset,
): Promise<Ruleset> {
  await nft(op, namespace, applyText(fragment, current))
  const rules = await readRules(op, namespace, fragment.table)
  const wrong = difference(fragment, rules)
  if (wrong) throw new DriverError('failed', `The filter was written but reads back differently: ${wrong}.`)
  return rules
}

export async function removeFragment(
  op: Op,
  namespace: string,
  fragment: Fragment,
  current: Ruleset,
): Promise<void> {
  const text = removeText(fragment, current)
  if (text !== '') await nft(op, namespace, text)
}

const addressShape = z.array(
  z.looseObject({
    addr_info: z
      .array(z.looseObject({ family: z.string(), local: z.string(), prefixlen: z.number() }))
      .optional(),
  }),
)

/** IPv4 addresses of a link, as `a.b.c.d/n`. */
export async function readAddresses(
  op: Op,
  namespace: string | undefined,
  device: string,
): Promise<string[]> {
  const json = await runJson(op, ['ip', '-j', '-4', 'address', 'show', 'dev', device], { namespace })
  return addressShape
    .parse(json)
    .flatMap((link) => (link.addr_info ?? []).map((info) => `${info.local}/${info.prefixlen}`))
}

/** Lines for `ip -batch` that give a link exactly these addresses. */
export function addressLines(device: string, have: readonly string[], want: readonly string[]): string[] {
  const gone = have.filter((address) => !want.includes(address))
  const added = want.filter((address) => !have.includes(address))
  return [
    ...gone.map((address) => `address delete ${address} dev ${device}`),
    ...added.map((address) => `address add ${address} dev ${device}`),
  ]
}
