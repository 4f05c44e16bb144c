import fs from 'node:fs'
import path from 'node:path'
import type { FilterRule, NetworkDriver, PortSpec } from '@stratolith/drivers/network/interface'
import { networks } from '@stratolith/drivers/network/registry'
import { removeAllNetworks } from '@stratolith/drivers/network/remove-all'
import { backgroundOp } from '@stratolith/drivers/op'
import { pino } from 'pino'
import { median, type Report, timed } from './report.ts'

const quiet = pino({ level: 'silent' })
const op = () => backgroundOp(quiet, 'bench', 120_000)
const cloud = `b${process.pid.toString(36).padStart(4, '0').slice(-4)}`
const id = (n: number) => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`
const networkId = id(900_001)
const group = id(900_002)

/** The numbers of ports on the host with which plugging in a few more is measured. */
const sizes = [10, 200]
const samples = 5
/** The first port beyond those of the largest size. */
const spare = 1_000

/** Measures how long one host takes for a port, and for a member that leaves a group, with few and with many ports on the host. */
export async function network(report: Report): Promise<void> {
  const dir = fs.mkdtempSync('/var/tmp/stratolith-bench-network-')
  const place = { cloud, host: 'h1', dir: path.join(dir, 'network'), egress: 'off' as const }
  const driver = networks.linux(place)
  try {
    await driver.ensureNetwork(op(), {
      ...{ id: networkId, tag: 1, mtu: 1500, external: false },
      subnets: [
        {
          id: id(900_003),
          cidr: '10.0.0.0/16',
          gatewayIp: '10.0.0.1',
          dhcp: true,
          dhcpIp: '10.0.0.2',
          dns: [],
        },
      ],
    })
    await driver.ensureAddressSet(op(), { id: group, addresses: members(500) })
    let there = 0
    for (const size of sizes) {
      while (there < size) await driver.ensurePort(op(), port(++there))
      await measureAt(report, driver, size)
    }
  } finally {
    await removeAllNetworks(op(), { cloud, dirs: [place.dir] })
    fs.rmSync(dir, { recursive: true, force: true })
  }
}

async function measureAt(report: Report, driver: NetworkDriver, size: number): Promise<void> {
  const [plugged, unplugged, left]: [number[], number[], number[]] = [[], [], []]
  for (let i = 0; i < samples; i++) {
    const one = port(spare + i)
    plugged.push((await timed(() => driver.ensurePort(op(), one))).ms)
    unplugged.push((await timed(() => driver.removePort(op(), one.id))).ms)
    left.push(
      (await timed(() => driver.ensureAddressSet(op(), { id: group, addresses: members(499 - i) }))).ms,
    )
  }
  const on = `a host with ${size} ports`
  report({ metric: `port plugged into ${on}`, value: median(plugged), unit: 'ms' })
  report({ metric: `port taken from ${on}`, value: median(unplugged), unit: 'ms' })
  report({
    ...{ metric: `member leaves a group on ${on}`, value: median(left), unit: 'ms' },
    note: 'every port has a rule that names the group',
  })
}

const members = (count: number): string[] =>
  Array.from({ length: count }, (_, n) => `10.0.${Math.floor(n / 250) + 4}.${(n % 250) + 3}`)

const rule = (more: Partial<FilterRule>): FilterRule => ({
  ...{ direction: 'ingress', ethertype: 'IPv4', protocol: null, portMin: null, portMax: null, remote: null },
  ...more,
})

/** A port with the rules of a project's default group, and with SSH and the web open. */
const port = (n: number): PortSpec => ({
  ...{ id: id(n), tag: n + 10, networkId, mtu: 1500, hostname: `vm-${n}`, instanceId: id(100_000 + n) },
  ...{ projectId: id(900_004), portSecurity: true, adminUp: true },
  mac: `fa:16:3e:00:${hex(n >> 8)}:${hex(n & 255)}`,
  addresses: [{ subnetId: id(900_003), ip: `10.0.${Math.floor(n / 250)}.${(n % 250) + 3}`, prefix: 16 }],
  rules: [
    rule({ direction: 'egress' }),
    rule({ remote: { addressSet: group } }),
    ...[22, 80, 443].map((at) => rule({ protocol: 6, portMin: at, portMax: at })),
  ],
})
const hex = (value: number) => value.toString(16).padStart(2, '0')
