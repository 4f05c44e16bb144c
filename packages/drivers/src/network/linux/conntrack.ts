import { setImmediate } from 'node:timers/promises'
import type { Op } from '../../op.ts'
import { toBytes } from '../ipv4.ts'
import { run } from './exec.ts'

/** The original direction of one conntrack entry. For ICMP the ports are null and type and code are set; for GRE the ports are its keys. */
export type Flow = {
  protocol: number
  source: string
  target: string
  sourcePort: number | null
  targetPort: number | null
  icmpType: number | null
  icmpCode: number | null
  icmpId: number | null
  /** The address to which answers go: it differs from the source when NAT translates the source. */
  answersTo: string
}

/** More bytes than `conntrack -L` prints of a full table (262,144 flows of some 150 bytes). */
export const everyFlow = 128 * 1024 * 1024

/** The conntrack table to look at. `zone` is absent in the namespace of a router. */
export type Which = { namespace: string; zone?: number }
export const zoneWords = ({ zone }: Which): string[] => (zone === undefined ? [] : ['-w', String(zone)])

/** Reads the flows of a table; `about` are filters in the words of conntrack(8). Each call makes the kernel walk its whole table. */
export async function readFlows(op: Op, which: Which, about: readonly string[] = []): Promise<Flow[]> {
  const { namespace } = which
  const argv = ['conntrack', '-L', ...zoneWords(which), '-f', 'ipv4', ...about]
  const { stdout } = await run(op, argv, { namespace, maxOutputBytes: everyFlow })
  return (await inTurns(stdout.split('\n'), (lines) => parseFlows(lines.join('\n')))).flat()
}

/** Runs `each` on one slice after another, so that the agent answers other calls in between: a guest may have a hundred thousand flows. */
async function inTurns<T, R>(all: readonly T[], each: (some: readonly T[]) => R): Promise<R[]> {
  const done: R[] = []
  for (let from = 0; from < all.length; from += atOnce) {
    done.push(each(all.slice(from, from + atOnce)))
    await setImmediate()
  }
  return done
}
const atOnce = 2_000

/** Lines of `conntrack -L`: `tcp 6 431999 ESTABLISHED src=… dst=… sport=… dport=… src=… …`; the first of each is the original direction. */
export function parseFlows(text: string): Flow[] {
  return text.split('\n').flatMap((line) => {
    const protocol = /^\S+\s+(\d+)\s/.exec(line)?.[1]
    const words = [...line.matchAll(/(\w+)=(\S+)/g)]
    const begun = new Map(words.toReversed().map(([, key = '', value = '']) => [key, value]))
    const count = (...keys: readonly string[]) => {
      const value = keys.map((key) => begun.get(key)).find((found) => found !== undefined)
      return value === undefined ? null : Number(value)
    }
    const [source, target] = [begun.get('src'), begun.get('dst')]
    if (protocol === undefined || source === undefined || target === undefined) return []
    return {
      protocol: Number(protocol),
      source,
      target,
      sourcePort: count('sport', 'srckey'),
      targetPort: count('dport', 'dstkey'),
      icmpType: count('type'),
      icmpCode: count('code'),
      icmpId: count('id'),
      answersTo: words.filter(([, key]) => key === 'dst')[1]?.[2] ?? source,
    }
  })
}

/**
 * Sends netlink messages, given in hex, and reads the answer to each. Node has no netlink sockets; perl-base is
 * an essential package of Debian. The answer 2, "no such entry", is accepted: that flow has ended by itself.
 */
const program = `
use strict; use Socket;
socket(my $kernel, 16, SOCK_RAW, 12) or die "socket: $!";
while (my $message = <STDIN>) {
  chomp $message;
  send($kernel, pack('H*', $message), 0, pack('S S L L', 16, 0, 0, 0)) or die "send: $!";
  defined(recv($kernel, my $answer, 8192, 0)) or die "recv: $!";
  $! = -unpack('x16 l', $answer);
  die "delete: $!" if $! and $! != 2;
}
`

/**
 * Ends these flows in one process, each by its full tuple. `conntrack -D` would search the whole table for each
 * flow, which takes minutes for hundreds of flows among thousands.
 */
export async function deleteFlows(op: Op, which: Which, flows: readonly Flow[]): Promise<void> {
  if (flows.length === 0) return
  const { namespace } = which
  const lineOf = (flow: Flow) => `${deletion(which, flow).toString('hex')}\n`
  const input = (await inTurns(flows, (some) => some.map(lineOf).join(''))).join('')
  await run(op, ['perl', '-e', program, 'conntrack-delete'], { namespace, input, timeoutMs: 30_000 })
}

/** Numbers of linux/netlink.h, nfnetlink.h and nfnetlink_conntrack.h; lengths and types are in the machine's order. */
const deleteEntry = 0x0102
const requestWithAnswer = 5
const [tupleOfOrigin, ofAddresses, ofProtocol, inZone] = [1, 1, 2, 18]
const nested = 0x8000

function deletion({ zone }: Which, flow: Flow): Buffer {
  const addresses = Buffer.concat([attribute(1, toBytes(flow.source)), attribute(2, toBytes(flow.target))])
  const numbers = [
    attribute(1, Buffer.of(flow.protocol)),
    ...(flow.sourcePort === null ? [] : [attribute(2, short(flow.sourcePort))]),
    ...(flow.targetPort === null ? [] : [attribute(3, short(flow.targetPort))]),
    ...(flow.icmpId === null ? [] : [attribute(4, short(flow.icmpId))]),
    ...(flow.icmpType === null ? [] : [attribute(5, Buffer.of(flow.icmpType))]),
    ...(flow.icmpCode === null ? [] : [attribute(6, Buffer.of(flow.icmpCode))]),
  ]
  const tuple = [
    attribute(ofAddresses | nested, addresses),
    attribute(ofProtocol | nested, Buffer.concat(numbers)),
  ]
  const ipv4 = Buffer.of(2, 0, 0, 0)
  const body = Buffer.concat([
    ipv4,
    attribute(tupleOfOrigin | nested, Buffer.concat(tuple)),
    ...(zone === undefined ? [] : [attribute(inZone, short(zone))]),
  ])
  const head = Buffer.alloc(16)
  head.writeUInt32LE(head.length + body.length, 0)
  head.writeUInt16LE(deleteEntry, 4)
  head.writeUInt16LE(requestWithAnswer, 6)
  return Buffer.concat([head, body])
}

const short = (value: number) => Buffer.of(value >> 8, value & 0xff)

/** A netlink attribute, padded to a multiple of four bytes; its length field does not count the padding. */
function attribute(type: number, value: Buffer): Buffer {
  const bytes = Buffer.alloc(4 + Math.ceil(value.length / 4) * 4)
  bytes.writeUInt16LE(4 + value.length, 0)
  bytes.writeUInt16LE(type, 2)
  value.copy(bytes, 4)
  return bytes
}
