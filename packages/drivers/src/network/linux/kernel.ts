import { z } from 'zod'
import type { Op } from '../../op.ts'
import { runJson } from './exec.ts'
import { namespaceExists } from './namespace.ts'
import { Rules } from './rules.ts'

export type Link = { name: string; up: boolean; mtu: number; master: string | null; alias: string }
/** The links and rules that the kernel has in one namespace. */
export type Kernel = { links: Map<string, Link>; rules: Rules }

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

/** Reads links and rules. With `large`, a rule is read only when the caller asks about it. */
export async function readKernel(op: Op, namespace: string, large = false): Promise<Kernel> {
  if (!namespaceExists(namespace)) return { links: new Map(), rules: Rules.none(namespace) }
  const [links, rules] = await Promise.all([
    readLinks(op, namespace),
    large ? Rules.byPieces(namespace) : Rules.whole(op, namespace),
  ])
  return { links, rules }
}

/** The resources of a kind that own a link, by the alias of the link: `<kind> <id> <slot>`. */
export function owned(kernel: Kernel, kind: string): { id: string; slot: number; link: Link }[] {
  return [...kernel.links.values()].flatMap((link) => {
    const [word, id, slot] = link.alias.split(' ')
    return word === kind && id ? [{ id, slot: Number(slot), link }] : []
  })
}

const addressShape = z.array(
  z.looseObject({
    addr_info: z
      .array(z.looseObject({ family: z.string(), local: z.string(), prefixlen: z.number() }))
      .optional(),
  }),
)

/** The IPv4 addresses of a link, as `a.b.c.d/n`. */
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
