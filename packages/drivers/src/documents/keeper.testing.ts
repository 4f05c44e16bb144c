import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { pino } from 'pino'
import { afterAll } from 'vitest'
import { createFakeHypervisor } from '../hypervisor/fake.ts'
import type { FakeNetwork } from '../network/fake.ts'
import type { NetworkSpec, PortSpec, RouterSpec } from '../network/interface.ts'
import { backgroundOp } from '../op.ts'
import { createFakeStorage } from '../storage/fake.ts'
import type { HostDocument } from './interface.ts'
import { createDocuments } from './keeper.ts'

export const op = backgroundOp(pino({ level: 'silent' }), 'test')
const folders: string[] = []
export const folder = () => {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'keeper-'))
  folders.push(dir)
  return dir
}
afterAll(() => {
  for (const dir of folders) fs.rmSync(dir, { recursive: true })
})

export const keeperOf = (network: FakeNetwork, dir?: string) =>
  createDocuments({ network, hypervisor: createFakeHypervisor(), storage: createFakeStorage(), dir })

export const network = (external = false): NetworkSpec => ({
  id: external ? 'out' : 'net',
  tag: external ? 2 : 1,
  mtu: 1450,
  external,
  subnets: [{ id: 'sub', cidr: '10.0.0.0/24', gatewayIp: '10.0.0.1', dhcp: false, dhcpIp: null, dns: [] }],
})
export const port = (tag: number, ip: string | null, rules: PortSpec['rules'] = []): PortSpec => ({
  id: `port-${tag}`,
  tag,
  networkId: 'net',
  mac: `fa:16:3e:00:00:0${tag}`,
  mtu: 1450,
  addresses: ip ? [{ subnetId: 'sub', ip, prefix: 24 }] : [],
  hostname: 'guest',
  instanceId: 'guest',
  projectId: 'p',
  portSecurity: true,
  adminUp: true,
  rules,
})
export const router = (tag: number, address: string, floating: string): RouterSpec => ({
  id: `router-${tag}`,
  tag,
  adminUp: true,
  external: { networkId: 'out', address, prefix: 24, gatewayIp: '10.0.0.1' },
  interfaces: [],
  floatingIps: [{ id: `fip-${tag}`, address: floating, fixedAddress: '10.9.0.9' }],
})
export const of = {
  network: (body: NetworkSpec, generation = 1): HostDocument => ({
    kind: 'network',
    id: body.id,
    generation,
    body,
  }),
  port: (body: PortSpec, generation = 1): HostDocument => ({ kind: 'port', id: body.id, generation, body }),
  router: (body: RouterSpec, generation = 1): HostDocument => ({
    kind: 'router',
    id: body.id,
    generation,
    body,
  }),
}
export const outcomes = (receipts: readonly { outcome: string }[]) => receipts.map(({ outcome }) => outcome)
export const ssh: PortSpec['rules'] = [
  { direction: 'ingress', ethertype: 'IPv4', protocol: 6, portMin: 22, portMax: 22, remote: null },
]
