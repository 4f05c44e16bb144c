import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { inNamespace, ip, op, temporaryFolder } from '../testing/lab.ts'
import { parseFlows } from './conntrack.ts'
import { cutFlows, endFlows, endRouted } from './flows.ts'
import type { Plane } from './plane.ts'

const namespace = `fl${process.pid}`
const folder = temporaryFolder()
const plane = { namespace, state: { dir: folder.path } } as Plane
beforeAll(() => void ip('netns', 'add', namespace))
afterAll(() => {
  ip('netns', 'delete', namespace)
  folder.remove()
})

/** Adds entries to the kernel's table, each in the words of conntrack(8). */
function begin(entries: readonly string[]): void {
  const file = join(folder.path, 'begin')
  writeFileSync(file, entries.map((entry) => `-I -t 600 ${entry}\n`).join(''))
  inNamespace(namespace, 'conntrack', '-R', file)
}
const listed = (...about: string[]) => parseFlows(inNamespace(namespace, 'conntrack', '-L', ...about))
const tcp = (source: string, target: string, port: number, zone = 7) =>
  `-w ${zone} -s ${source} -d ${target} -p tcp --sport ${port} --dport 22 --state ESTABLISHED`
const own = '10.0.0.11'

it('flows of every protocol end, and flows of another zone with the same addresses do not', async () => {
  const pair = `-s 10.0.0.12 -d ${own}`
  const kinds = [
    '-p tcp --sport 5000 --dport 22 --state ESTABLISHED',
    '-p udp --sport 5000 --dport 53',
    '-p sctp --sport 5000 --dport 99 --state ESTABLISHED --orig-vtag 1 --reply-vtag 2',
    '-p icmp --icmp-type 8 --icmp-code 0 --icmp-id 77',
    '-p gre --srckey 0x11 --dstkey 0x22',
    '-p 89',
  ]
  begin(kinds.flatMap((kind) => [`-w 7 ${pair} ${kind}`, `-w 8 ${pair} ${kind}`]))
  expect(await cutFlows(op(), plane, 7, [own], () => true)).toBe(0)
  expect(listed()).toHaveLength(2 * kinds.length)
  expect(await cutFlows(op(), plane, 7, [own], () => false)).toBe(kinds.length)
  expect(listed('-w', '7')).toEqual([])
  expect(listed('-w', '8')).toHaveLength(kinds.length)
  await endFlows(op(), plane, 8, [own])
  expect(listed()).toEqual([])
})

it('flows with NAT end when either of their addresses is named, whether few or many', async () => {
  const routed = (at: number) =>
    `-s 172.24.4.200 -d 172.24.4.${at} -r 10.0.0.${at} -q 172.24.4.200 -p tcp --sport 5000 --dport 22 --reply-port-src 22 --reply-port-dst 5000 --state ESTABLISHED`
  const hidden = (at: number) =>
    `-s 10.0.0.${at} -d 192.0.2.1 -r 192.0.2.1 -q 172.24.4.${at} -p tcp --sport 5001 --dport 80 --reply-port-src 80 --reply-port-dst 5001 --state ESTABLISHED`
  const lost = [1, 2, 3, 4, 5, 6, 7]
  begin([...lost, 9].flatMap((at) => [routed(at), hidden(at)]))
  const addresses = lost.map((at) => `172.24.4.${at}`)
  await endRouted(op(), plane, namespace, addresses.slice(0, 1))
  expect(listed()).toHaveLength(14)
  await endRouted(op(), plane, namespace, addresses)
  expect(listed().map((flow) => flow.source)).toEqual(expect.arrayContaining(['172.24.4.200', '10.0.0.9']))
  expect(listed()).toHaveLength(2)
  await endRouted(op(), plane, namespace, ['172.24.4.9'])
  expect(listed()).toEqual([])
})

it('500 of 20,000 flows, with 500 peers, end in a time that does not grow with the other flows', async () => {
  const peer = (n: number) => `10.${1 + (n >> 16)}.${(n >> 8) & 255}.${n & 255}`
  begin(Array.from({ length: 20_000 }, (_, n) => tcp(peer(n), n % 40 === 0 ? own : '10.0.0.13', 5000 + n)))
  const startedAt = performance.now()
  expect(await cutFlows(op(), plane, 7, [own], () => false)).toBe(500)
  const tookMs = performance.now() - startedAt
  expect(inNamespace(namespace, 'conntrack', '-C').trim()).toBe('19500')
  expect(tookMs).toBeLessThan(2_000)
})
