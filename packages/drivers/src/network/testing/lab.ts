import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { pino } from 'pino'
import { backgroundOp, type Op } from '../../op.ts'
import type { FilterRule, NetworkSpec, PortSpec } from '../interface.ts'

/** Guests for tests of network drivers: network namespaces behind taps, in which guest.py sends and receives. */
export const quiet = pino({ level: process.env.TEST_LOG ?? 'silent' })
export const op = (): Op => backgroundOp(quiet, 'test', 60_000)

const script = join(import.meta.dirname, 'guest.py')

export function ip(...args: string[]): string {
  return execFileSync('ip', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
}
export function inNamespace(namespace: string, ...argv: string[]): string {
  const words = [`--net=/run/netns/${namespace}`, ...argv]
  return execFileSync('nsenter', words, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
}

type Answer = { id: number; ok?: unknown; error?: string }

/** A guest behind a tap or, without a tap, a process in a namespace. */
export class Guest {
  readonly #child: ChildProcess
  readonly #waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>()
  #last = 0
  readonly namespace: string

  constructor(namespace: string, tap?: { dataPlane: string; tap: string; mac: string }) {
    this.namespace = namespace
    const args = [script, namespace, ...(tap ? [tap.dataPlane, tap.tap, tap.mac] : [])]
    this.#child = spawn('python3', args, { stdio: ['pipe', 'pipe', 'inherit'] })
    const { stdout } = this.#child
    if (stdout) createInterface(stdout).on('line', (line) => this.#answered(JSON.parse(line) as Answer))
    this.#child.on('exit', (code) => {
      for (const { reject } of this.#waiting.values()) reject(new Error(`guest ${namespace} ended (${code})`))
    })
  }

  ready(): Promise<unknown> {
    return new Promise((resolve, reject) => this.#waiting.set(0, { resolve, reject }))
  }

  #answered(answer: Answer): void {
    const waiting = this.#waiting.get(answer.id)
    this.#waiting.delete(answer.id)
    if (answer.error !== undefined) waiting?.reject(new Error(answer.error))
    else waiting?.resolve(answer.ok)
  }

  do<T = unknown>(what: string, args: Record<string, unknown> = {}): Promise<T> {
    this.#last += 1
    const id = this.#last
    return new Promise<T>((resolve, reject) => {
      this.#waiting.set(id, { resolve: (value) => resolve(value as T), reject })
      this.#child.stdin?.write(`${JSON.stringify({ id, do: what, ...args })}\n`)
    })
  }

  connect(address: string, port = 22, name = 'c') {
    return this.do<string | null>('connect', { address, port, name })
  }
  talk(text: string, name = 'c') {
    return this.do<string | null>('talk', { text, name })
  }
  ping(address: string) {
    return this.do<boolean>('ping', { address })
  }
  async frames(): Promise<string[]> {
    return this.do<string[]>('sniffed')
  }

  async end(): Promise<void> {
    const gone = new Promise((resolve) => this.#child.once('exit', resolve))
    if (this.#child.exitCode === null && this.#child.kill('SIGKILL')) await gone
  }
}

export const egressAll: FilterRule = {
  direction: 'egress',
  ethertype: 'IPv4',
  protocol: null,
  portMin: null,
  portMax: null,
  remote: null,
}
export function tcpFrom(port: number, remote: FilterRule['remote'] = null): FilterRule {
  return { direction: 'ingress', ethertype: 'IPv4', protocol: 6, portMin: port, portMax: port, remote }
}

export function networkSpec(name: string, tag: number, prefix = '10.0.0', more: Partial<NetworkSpec> = {}) {
  const subnet = {
    id: `${name}-s`,
    cidr: `${prefix}.0/24`,
    gatewayIp: `${prefix}.1`,
    dhcp: true,
    dhcpIp: `${prefix}.2`,
    dns: ['9.9.9.9'],
  }
  const spec: NetworkSpec = { id: name, tag, mtu: 1450, external: false, subnets: [subnet], ...more }
  return spec
}
export function externalSpec(name: string, tag: number): NetworkSpec {
  const base = networkSpec(name, tag, '172.24.4')
  return { ...base, external: true, subnets: base.subnets.map((s) => ({ ...s, dhcp: false, dhcpIp: null })) }
}

export function portSpec(name: string, tag: number, network: NetworkSpec, more: Partial<PortSpec> = {}) {
  const subnet = network.subnets[0]
  if (!subnet) throw new Error('a network without a subnet')
  const last = tag % 250
  const spec: PortSpec = {
    id: name,
    tag,
    networkId: network.id,
    mac: `fa:16:3e:00:00:${last.toString(16).padStart(2, '0')}`,
    mtu: network.mtu,
    addresses: [{ subnetId: subnet.id, ip: `${subnet.cidr.replace(/\.0\/24$/, '')}.${last}`, prefix: 24 }],
    hostname: name,
    instanceId: `instance-${name}`,
    projectId: 'project',
    portSecurity: true,
    adminUp: true,
    rules: [egressAll],
    ...more,
  }
  return spec
}

/** A folder that other users may pass through, as in production. */
export function temporaryFolder(): { path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'stratolith-network-'))
  execFileSync('chmod', ['755', path])
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) }
}
