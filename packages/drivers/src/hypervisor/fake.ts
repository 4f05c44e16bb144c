import { setTimeout as sleep } from 'node:timers/promises'
import { DriverError } from '../errors.ts'
import type { Op } from '../op.ts'
import type { Mirror, RunningGuest } from '../volumes/interface.ts'
import { checkAlive } from './changes.ts'
import { appendLog, blackPng, echoStream, readLog } from './fake-console.ts'
import { createMachine, type FakeHypervisorState, type FakeInstance, type Machine } from './fake-machine.ts'
import { GuestVolumes, type VolumeOpener } from './guest-volumes.ts'
import type {
  ConsoleFacet,
  HostFacts,
  HypervisorCapabilities,
  HypervisorDriver,
  InstanceSpec,
  LocalHypervisorDriver,
  ObservedInstance,
} from './interface.ts'
import { checkSpec, withDevices, withoutSecrets } from './spec.ts'

export type FakeHypervisorOptions = {
  /** How long each call takes, in milliseconds. Default 0. */
  latencyMs?: number
  /** When true each call waits until `step()` lets it go. Default false. */
  stepped?: boolean
  vcpus?: number
  memoryMib?: number
  diskGib?: number
  /** The volumes of the host; without them no guest has a volume. */
  volumes?: VolumeOpener
  /** The `state` of an earlier fake, as a restarted agent finds it. The new fake changes this very object. */
  state?: FakeHypervisorState
}

/** Plain data: can be copied, compared and handed to the next fake. */
export type FakeMethod =
  | Exclude<keyof HypervisorDriver, 'capabilities' | 'subscribe' | 'console'>
  | `console.${keyof ConsoleFacet}`

/** The simulator's own controls, beside the driver interface. */
export type FakeHypervisor = LocalHypervisorDriver & {
  readonly console: ConsoleFacet
  readonly state: FakeHypervisorState
  /** How often each method was called. */
  readonly calls: Readonly<Partial<Record<FakeMethod, number>>>
  /** Names of the calls that wait for `step()`, oldest first. */
  readonly waiting: readonly FakeMethod[]
  /** Lets the next `count` waiting calls go (stepped fakes only). */
  step(count?: number): void
  /** The next call of that method raises this and changes nothing. May be queued several times. */
  failNext(method: FakeMethod, error: DriverError): void
  /** Makes the hypervisor process of that guest die. */
  crash(id: string, reason?: string): void
  /** Makes the guest power itself off. */
  guestPowerOff(id: string): void
  /** Makes the guest ignore its power button from now on. */
  ignorePowerButton(id: string): void
  /** Makes the guest hold on to its NICs and volumes (true) or release them when asked (false). */
  keepDevices(id: string, keeps: boolean): void
  /** Makes the guest write to its serial port (ASCII). */
  print(id: string, text: string): void
}

/**
 * A hypervisor that only pretends, with the semantics of the real one: it carries tests of a
 * hundred hosts with a thousand guests each (a guest is one small record, no timers).
 */
export function createFakeHypervisor(options: FakeHypervisorOptions = {}): FakeHypervisor {
  const capabilities: HypervisorCapabilities = {
    pause: true,
    screenshot: true,
    maxVcpus: options.vcpus ?? 64,
    maxMemoryMib: options.memoryMib ?? 262_144,
  }
  const facts: HostFacts = {
    hypervisor: 'Fake',
    version: '1',
    accelerator: 'fake',
    acceleratorReason: null,
    vcpus: options.vcpus ?? 64,
    memoryMib: options.memoryMib ?? 262_144,
    diskGib: options.diskGib ?? 4096,
    isolation: { users: false, cgroup: 'none', controllers: [], reason: null, swap: ['/dev/sdb1'] },
    cpuModel: 'Fake CPU',
    ...{ uptimeSeconds: 90_061, start: crypto.randomUUID() },
    load: [0.2, 0.12, 0.14],
  }
  const machine = createMachine(options.state ?? { instances: {}, lastPid: 1000 })
  const opener = new GuestVolumes(options.volumes)
  const gate = createGate(options)
  const { enter } = gate
  const { load, settle, boot, halt, cut } = machine

  async function useVolumes(op: Op, spec: Pick<InstanceSpec, 'id' | 'volumes'>): Promise<void> {
    await opener.openAll(op, spec, 0)
  }

  async function pressButton(op: Op, id: string): Promise<ObservedInstance> {
    await enter('pressButton', op)
    const guest = load(id)
    if (guest.power !== 'running')
      throw new DriverError('conflict', `Instance ${id} is ${guest.power}: its button does nothing.`)
    return guest.ignoresButton ? settle(guest) : halt(guest, 'off', null)
  }

  async function stop(op: Op, id: string): Promise<ObservedInstance> {
    await enter('stop', op)
    const guest = load(id)
    guest.spec = { ...guest.spec, power: 'off' }
    return guest.power === 'off' ? settle(guest) : halt(guest, 'off', null)
  }

  async function reboot(op: Op, id: string): Promise<ObservedInstance> {
    await enter('reboot', op)
    const guest = load(id)
    guest.spec = { ...guest.spec, power: 'running' }
    // Like the real driver: listeners do not see a reboot as an end and a beginning.
    if (guest.pid !== null) cut(guest)
    return boot(guest)
  }

  async function freeze(op: Op, id: string, to: 'paused' | 'running'): Promise<ObservedInstance> {
    await enter(to === 'paused' ? 'pause' : 'unpause', op)
    const guest = load(id)
    if (guest.pid === null)
      throw new DriverError('conflict', `Instance ${id} is ${guest.power}: start it first.`)
    return guest.power === to ? settle(guest) : machine.change(guest, to, null)
  }

  return {
    capabilities,
    state: machine.state,
    calls: gate.calls,
    waiting: gate.waiting,
    step: gate.step,
    failNext: gate.failNext,
    subscribe: machine.changes.subscribe,
    console: createConsole(enter, machine),
    async probe(op) {
      await enter('probe', op)
      return { ...facts }
    },
    async list(op) {
      await enter('list', op)
      return Object.values(machine.state.instances).map(settle)
    },
    async get(op, id) {
      await enter('get', op)
      const guest = machine.state.instances[id]
      return guest ? settle(guest) : null
    },
    async describe(op, id) {
      await enter('describe', op)
      const guest = machine.state.instances[id]
      return guest ? withoutSecrets(guest.spec) : null
    },
    async ensure(op, given) {
      await enter('ensure', op)
      const spec = checkSpec(given, capabilities)
      const guest = machine.define(spec)
      if (guest.pid === null) await useVolumes(op, spec)
      const due = spec.power === 'running' && (guest.power === 'off' || guest.power === 'crashed')
      return due ? boot(guest) : settle(guest)
    },
    async remove(op, id) {
      await enter('remove', op)
      const guest = machine.state.instances[id]
      if (guest && guest.pid !== null) halt(guest, 'off', null)
      delete machine.state.instances[id]
      await useVolumes(op, { id, volumes: [] })
    },
    async start(op, id) {
      await enter('start', op)
      const guest = load(id)
      if (guest.power === 'paused')
        throw new DriverError('conflict', `Instance ${id} is paused: unpause it instead.`)
      guest.spec = { ...guest.spec, power: 'running' }
      return guest.power === 'running' ? settle(guest) : boot(guest)
    },
    pressButton,
    stop,
    reboot,
    async plug(op, id, { nics, volumes }) {
      await enter('plug', op)
      const guest = load(id)
      const spec = checkSpec({ ...guest.spec, nics, volumes }, capabilities)
      const wanted = new Set([...spec.nics.map((nic) => nic.portId), ...spec.volumes.map(({ id }) => id)])
      const keeps = guest.keepsDevices === true && guest.pid !== null
      const heldNics = guest.spec.nics.filter((nic) => keeps && !wanted.has(nic.portId))
      const heldVolumes = guest.spec.volumes.filter((volume) => keeps && !wanted.has(volume.id))
      const held = new Set([...heldNics.map((nic) => nic.portId), ...heldVolumes.map((volume) => volume.id)])
      const before = guest.spec
      guest.spec = withDevices(spec, before, () => true)
      // As in the real driver one impossible volume does not stop the others, and it is not in the guest.
      const absent = new Set<string>()
      let failure: { error: unknown } | null = null
      for (const volume of spec.volumes) {
        try {
          await opener.open(op, spec, volume.id, 0)
        } catch (error) {
          failure ??= { error }
          absent.add(volume.id)
        }
      }
      const there = { ...spec, volumes: spec.volumes.filter((volume) => !absent.has(volume.id)) }
      guest.spec = withDevices(there, before, (device) => held.has(device))
      await opener.close(op, guest.spec)
      if (failure) throw failure.error
      return [...heldNics.map((nic) => nic.portId), ...heldVolumes.map((volume) => volume.id)]
    },
    async diagnostics(op, id) {
      await enter('diagnostics', op)
      const { pid, spec, startedAt } = load(id)
      if (pid === null || startedAt === null)
        throw new DriverError('conflict', `Instance ${id} does not run.`)
      return {
        cpus: Array.from({ length: spec.vcpus }, (_, cpu) => ({ id: cpu, timeNs: 1_000_000 })),
        disks: spec.disks.map(() => ({
          readBytes: 4096,
          readRequests: 1,
          writeBytes: 0,
          writeRequests: 0,
          errors: 0,
        })),
        uptimeSeconds: Math.floor((Date.now() - Date.parse(startedAt)) / 1000),
      }
    },
    async password(op, id) {
      await enter('password', op)
      return load(id).password ?? ''
    },
    async clearPassword(op, id) {
      await enter('clearPassword', op)
      delete load(id).password
    },
    pause: (op, id) => freeze(op, id, 'paused'),
    unpause: (op, id) => freeze(op, id, 'running'),
    withGuest: (_op, id, work) => work(machine.state.instances[id]?.pid == null ? null : fakeRunning),
    specOf: async (id) => machine.state.instances[id]?.spec ?? null,
    crash(id, reason = 'QEMU died (simulated).') {
      halt(load(id), 'crashed', reason)
    },
    guestPowerOff(id) {
      halt(load(id), 'off', null)
    },
    ignorePowerButton(id) {
      load(id).ignoresButton = true
    },
    keepDevices(id, keeps) {
      load(id).keepsDevices = keeps
    },
    print(id, text) {
      machine.print(load(id), text)
    },
  }
}

/** What happens before a call does its work: latency, waiting for step(), the failure that a test ordered by failNext. */
function createGate(options: FakeHypervisorOptions) {
  const calls: Partial<Record<FakeMethod, number>> = {}
  const failures = new Map<FakeMethod, DriverError[]>()
  const waiting: FakeMethod[] = []
  const releases: (() => void)[] = []
  return {
    calls,
    waiting,
    failNext(method: FakeMethod, error: DriverError): void {
      failures.set(method, [...(failures.get(method) ?? []), error])
    },
    step(count = 1): void {
      waiting.splice(0, count)
      for (const release of releases.splice(0, count)) release()
    },
    async enter(method: FakeMethod, op: Op): Promise<void> {
      calls[method] = (calls[method] ?? 0) + 1
      checkAlive(op)
      if (options.latencyMs) await sleep(options.latencyMs)
      if (options.stepped) {
        waiting.push(method)
        await new Promise<void>((resolve) => releases.push(resolve))
      }
      checkAlive(op)
      const failure = failures.get(method)?.shift()
      if (failure) throw failure
    },
  }
}

function createConsole(enter: ReturnType<typeof createGate>['enter'], machine: Machine): ConsoleFacet {
  function alive(id: string): FakeInstance {
    const guest = machine.load(id)
    if (guest.pid === null)
      throw new DriverError('conflict', `Instance ${id} is ${guest.power} and has no console.`)
    return guest
  }
  return {
    async open(op, id, protocol) {
      await enter('console.open', op)
      const guest = alive(id)
      const serial = protocol === 'serial'
      const stream = echoStream(serial ? '' : 'RFB 003.008\n', (text) => {
        if (serial) appendLog(guest.log, text)
      })
      const entry = { stream, serial }
      const open = machine.streams.get(id) ?? new Set()
      machine.streams.set(id, open.add(entry))
      stream.once('close', () => open.delete(entry))
      return stream
    },
    async log(op, id, options) {
      await enter('console.log', op)
      return readLog(machine.load(id).log, options)
    },
    async screenshot(op, id) {
      await enter('console.screenshot', op)
      alive(id)
      return blackPng
    },
  }
}

const fakeMirror: Mirror = {
  synced: async () => undefined,
  hold: async () => undefined,
  state: async () => 'copying',
  change: async () => undefined,
}

/** A simulated guest does at once what its volumes need, and has an agent that answers. */
const fakeRunning: RunningGuest = {
  has: async () => true,
  resize: async () => undefined,
  follow: async () => undefined,
  merge: async () => async () => undefined,
  mirror: async () => fakeMirror,
  mirrorOf: async () => null,
  endMirror: async () => undefined,
  async quiesced(work) {
    await work()
    return true
  },
}
