import { mkdir, statfs } from 'node:fs/promises'
import { availableParallelism, cpus, loadavg, totalmem, uptime } from 'node:os'
import type { Logger } from 'pino'
import { DriverError } from '../errors.ts'
import type { GuestUids } from '../guest-uids.ts'
import { backgroundOp, type Op } from '../op.ts'
import { createTurns } from '../turns.ts'
import type { RunningGuest } from '../volumes/interface.ts'
import { type ProbedAccelerator, probeAccelerator } from './accel-probe.ts'
import { checkAlive, createChanges, unknownInstance } from './changes.ts'
import { type ConfigFile, ensureConfigDrive } from './config-drive.ts'
import { recordNotWritten } from './full-disk.ts'
import { GuestVolumes, type VolumeOpener } from './guest-volumes.ts'
import type {
  BackupFacet,
  ConsoleFacet,
  Devices,
  HostFacts,
  HypervisorCapabilities,
  InstanceSpec,
  LocalHypervisorDriver,
  ObservedInstance,
} from './interface.ts'
import type { Accelerator } from './qemu-args.ts'
import { createQemuBackup } from './qemu-backup.ts'
import { createQemuConsole } from './qemu-console.ts'
import { guestDiagnostics } from './qemu-diagnostics.ts'
import { QemuGuest } from './qemu-guest.ts'
import { Isolation } from './qemu-isolation.ts'
import { type Plugged, plugNics, plugVolumes } from './qemu-plug.ts'
import { killQemu } from './qemu-process.ts'
import { runningGuest } from './running-volumes.ts'
import { boundLog } from './serial-log.ts'
import {
  checkDiskPaths,
  checkSpec,
  type DiskPathOf,
  diskPathIn,
  sameSpec,
  withDevices,
  withoutSecrets,
} from './spec.ts'
import {
  clearPassword,
  guestPaths,
  listGuestIds,
  makeHome,
  type RunRecord,
  readPassword,
  readRecord,
  readSpec,
  removeFiles,
} from './state-files.ts'
import { tunDevice } from './tun-device.ts'

export type QemuOptions = {
  /** The host's directory ($STRATOLITH_DATA/hosts/<host>); guests live in `instances/<id>` below it. */
  dir: string
  log: Logger
  /** Network namespace (name below /run/netns) in which guests run. Null: the machine's own. */
  netns: string | null
  /** STRATOLITH_ACCEL. Default auto. */
  accel?: 'auto' | Accelerator
  /** The user ids to give to guests; those of readGuestUids(defaultGuestUids) when absent. */
  uids?: GuestUids
  /** The files for the config drive of a guest; without this function no guest has a config drive. */
  configFiles?: (spec: InstanceSpec) => Promise<ConfigFile[]>
  /** The volumes of this host; without them no guest has a volume. */
  volumes?: VolumeOpener
  /** The only path at which a disk of a guest may lie; that of the file storage driver when absent. */
  diskPathOf?: DiskPathOf
  /** Default qemu-system-x86_64. */
  binary?: string
  /** How long QEMU may take until it answers, in ms. Default 30 000. */
  startMs?: number
  /** How often logs are looked at, in ms. Default 2000. */
  logWatchMs?: number
}

export type QemuDriver = LocalHypervisorDriver & {
  readonly console: ConsoleFacet
  readonly backup: BackupFacet
  /** Resolves when the guests that run already have been found. Every call waits for it. */
  readonly ready: Promise<void>
  /** Closes the connections to all guests (which go on running) and all timers. For the end of the agent. */
  close(): Promise<void>
}

/** How much a log may exceed what is kept of it before its beginning is dropped. */
const logSlackBytes = 1024 * 1024

/**
 * Guests as QEMU processes on this machine, controlled over QMP. Needs root. The driver keeps its
 * state in `dir` and in the processes themselves: after any end of the agent the next driver on the
 * same `dir` adopts the guests that run and reports those that died meanwhile as `crashed`. Only one driver
 * at a time may use a `dir`. Every guest runs as a user of its own, who gets its disks and taps at each start.
 */
export function createQemuDriver(options: QemuOptions): QemuDriver {
  const host = new QemuHost(options)
  const { console } = host
  return {
    capabilities: host.capabilities,
    console,
    backup: createQemuBackup((id) => host.load(id)),
    ready: host.ready,
    close: () => host.close(),
    subscribe: host.changes.subscribe,
    probe: () => host.probe(),
    list: () => host.list(),
    get: (_op, id) => host.get(id),
    specOf: (id) => host.specOf(id),
    describe: async (_op, id) => {
      const spec = await host.specOf(id)
      return spec && withoutSecrets(spec)
    },
    ensure: (op, spec) => host.ensure(op, spec),
    remove: (op, id) => host.remove(op, id),
    start: (op, id) =>
      host.change(op, id, async (guest) => {
        if (guest.power === 'paused')
          throw new DriverError('conflict', `Instance ${id} is paused: unpause it instead.`)
        await host.wish(guest, 'running')
        if (!guest.isAlive()) await guest.launch(op)
      }),
    pressButton: (op, id) =>
      host.change(op, id, async (guest) => {
        if (guest.power !== 'running')
          throw new DriverError('conflict', `Instance ${id} is ${guest.power}: its button does nothing.`)
        await guest.pressButton()
      }),
    stop: (op, id) => host.stop(op, id),
    reboot: (op, id) => host.reboot(op, id),
    diagnostics: async (_op, id) => guestDiagnostics(await host.load(id)),
    password: async (_op, id) => readPassword((await host.load(id)).paths),
    clearPassword: async (_op, id) => clearPassword((await host.load(id)).paths),
    plug: (op, id, devices) => host.plug(op, id, devices),
    withGuest: (op, id, work) => host.withGuest(op, id, work),
    pause: (op, id) => host.freeze(op, id, 'paused'),
    unpause: (op, id) => host.freeze(op, id, 'running'),
  }
}

class QemuHost {
  readonly capabilities: HypervisorCapabilities = {
    pause: true,
    screenshot: true,
    maxVcpus: 64,
    maxMemoryMib: Math.floor(totalmem() / 1024 ** 2),
  }
  readonly changes: ReturnType<typeof createChanges>
  readonly console: ConsoleFacet
  readonly ready: Promise<void>
  readonly #options: QemuOptions
  readonly #start = crypto.randomUUID()
  readonly #isolation: Isolation
  readonly #volumes: GuestVolumes
  /** The guests that may run although they look as if they did not, because they could not be adopted. */
  readonly #unadopted = new Set<string>()
  readonly #diskPathOf: DiskPathOf
  readonly #guests = new Map<string, QemuGuest>()
  readonly #locked = createTurns()
  readonly #watch: NodeJS.Timeout
  #watching: Promise<void> = Promise.resolve()
  #accelerator: Promise<ProbedAccelerator> | null = null

  constructor(options: QemuOptions) {
    this.#options = options
    this.#diskPathOf = options.diskPathOf ?? diskPathIn(options.dir)
    this.#isolation = new Isolation(options.uids, options.netns)
    this.#volumes = new GuestVolumes(options.volumes)
    this.changes = createChanges((err) => options.log.error({ err }, 'a listener to guests failed'))
    this.console = createQemuConsole((id) => this.load(id))
    this.ready = this.#adopt()
    // Each call reports this failure; without a handler here it would be an unhandled rejection.
    this.ready.catch(() => undefined)
    this.#watch = setInterval(() => {
      this.#watching = this.#watching.then(() => this.#boundLogs())
    }, options.logWatchMs ?? 2_000)
    this.#watch.unref()
  }

  async probe(): Promise<HostFacts> {
    await this.ready
    const { accelerator, reason, version } = await this.#probed()
    const disk = await statfs(this.#options.dir)
    return {
      hypervisor: 'QEMU',
      version,
      accelerator,
      acceleratorReason: reason,
      vcpus: availableParallelism(),
      memoryMib: Math.floor(totalmem() / 1024 ** 2),
      diskGib: Math.floor((disk.blocks * disk.bsize) / 1024 ** 3),
      isolation: await this.#isolation.facts(),
      cpuModel: cpus()[0]?.model.trim() || 'unknown',
      uptimeSeconds: Math.floor(uptime()),
      start: this.#start,
      load: loadavg(),
    }
  }

  async list(): Promise<ObservedInstance[]> {
    await this.ready
    return [...this.#guests.values()].map((guest) => guest.observed())
  }

  async get(id: string): Promise<ObservedInstance | null> {
    await this.ready
    return this.#guests.get(id)?.observed() ?? null
  }

  async specOf(id: string): Promise<InstanceSpec | null> {
    await this.ready
    return this.#guests.get(id)?.spec ?? null
  }

  async load(id: string): Promise<QemuGuest> {
    await this.ready
    const guest = this.#guests.get(id)
    if (!guest) throw unknownInstance(id)
    return guest
  }

  async ensure(op: Op, given: InstanceSpec): Promise<ObservedInstance> {
    await this.ready
    const spec = checkSpec(given, this.capabilities)
    checkDiskPaths(spec, this.#diskPathOf)
    return this.#locked(spec.id, async () => {
      checkAlive(op)
      const known = this.#guests.get(spec.id)
      return known ? this.#redefine(op, known, spec) : this.#build(op, spec)
    })
  }

  /** Makes a new guest; leaves nothing of the guest when it cannot be started. */
  async #build(op: Op, spec: InstanceSpec): Promise<ObservedInstance> {
    const guest = this.#guest(spec.id, spec, null)
    try {
      await makeHome(guest.paths)
      await guest.define(spec)
      this.#guests.set(spec.id, guest)
      if (spec.power === 'running') await guest.launch(op)
    } catch (error) {
      this.#guests.delete(spec.id)
      guest.detach()
      await this.#leaveNothing(op, guest).catch((err: unknown) =>
        this.#options.log.error({ err, instance: spec.id }, 'a guest that did not start left something'),
      )
      await removeFiles(guest.paths)
      throw recordNotWritten(error)
    }
    return guest.observed()
  }

  /** Takes the guest's volumes away before its user id becomes free, so that no other guest gets their files with the id. */
  async #leaveNothing(op: Op, guest: QemuGuest): Promise<void> {
    await this.#isolation.end(guest.paths)
    await this.#volumes.close(op, { id: guest.id, volumes: [] })
    await this.#isolation.remove(guest)
  }

  async #redefine(op: Op, guest: QemuGuest, spec: InstanceSpec): Promise<ObservedInstance> {
    await guest.settled()
    const before = guest.spec
    if (!before || !sameSpec(before, spec)) await guest.define(spec)
    if (!guest.isAlive()) await this.#volumes.close(op, spec)
    try {
      if (spec.power === 'running' && !guest.isAlive()) await guest.launch(op)
    } catch (error) {
      if (before) await guest.define(before)
      throw recordNotWritten(error)
    }
    return guest.observed()
  }

  async remove(op: Op, id: string): Promise<void> {
    await this.ready
    await this.#locked(id, async () => {
      const guest = this.#guests.get(id)
      // An agent that was killed may have removed the guest but not taken its volumes away.
      if (!guest) return this.#volumes.close(op, { id, volumes: [] })
      await guest.settled()
      if (guest.isAlive()) await guest.halt()
      else await killQemu(guest.paths.run, id, null)
      guest.detach()
      await this.#leaveNothing(op, guest)
      await removeFiles(guest.paths)
      this.#guests.delete(id)
    })
  }

  /** Runs one change of a guest alone, after the reactions to events have ended. */
  async change(op: Op, id: string, run: (guest: QemuGuest) => Promise<void>): Promise<ObservedInstance> {
    await this.load(id)
    return this.#locked(id, async () => {
      checkAlive(op)
      const guest = await this.load(id)
      await guest.settled()
      try {
        await run(guest)
      } catch (error) {
        throw recordNotWritten(error)
      }
      return guest.observed()
    })
  }

  async stop(op: Op, id: string): Promise<ObservedInstance> {
    return this.change(op, id, async (guest) => {
      await this.wish(guest, 'off')
      if (guest.power === 'crashed') await guest.acknowledge()
      else if (guest.power !== 'off') await guest.halt()
    })
  }

  async reboot(op: Op, id: string): Promise<ObservedInstance> {
    return this.change(op, id, async (guest) => {
      await this.wish(guest, 'running')
      await guest.quietly(async () => {
        if (guest.isAlive()) await guest.halt()
        await guest.launch(op)
      })
    })
  }

  /**
   * A device that the guest still holds stays in its spec, so that a later call asks again for its release. While the call
   * works, the spec names every device that may be in the guest, so that none is forgotten when the agent is killed.
   */
  async plug(op: Op, id: string, { nics, volumes }: Devices): Promise<string[]> {
    let plugged: Plugged = { held: [], absent: [], failure: null }
    await this.change(op, id, async (guest) => {
      const before = guest.spec
      if (!before)
        throw new DriverError('invalid', `The record of instance ${id} is damaged: ensure it again.`)
      const spec = checkSpec({ ...before, nics, volumes }, this.capabilities)
      if (guest.isAlive()) {
        const both = withDevices(spec, before, () => true)
        if (!sameSpec(before, both)) await guest.define(both)
        plugged = await this.#plugAlive(op, guest, before, spec)
      }
      const { held, absent, failure } = plugged
      const there = {
        ...spec,
        nics: spec.nics.filter((nic) => !absent.includes(nic.portId)),
        volumes: spec.volumes.filter((volume) => !absent.includes(volume.id)),
      }
      const now = withDevices(there, before, (device) => held.includes(device))
      if (guest.spec && !sameSpec(guest.spec, now)) await guest.define(now)
      await this.#volumes.close(op, now)
      if (failure) throw failure.error
    })
    return plugged.held
  }

  async #plugAlive(op: Op, guest: QemuGuest, before: InstanceSpec, spec: InstanceSpec): Promise<Plugged> {
    const qmp = guest.control()
    const ids = (some: InstanceSpec) => some.volumes.map((volume) => volume.id)
    const nics = { before: before.nics.map((nic) => nic.portId), wanted: spec.nics }
    const some = await plugNics(op, qmp, nics, (tap) => this.#isolation.giveTap(guest, tap))
    const others = await plugVolumes(op, qmp, { before: ids(before), wanted: spec.volumes }, async (id) =>
      this.#volumes.open(op, spec, id, await this.#isolation.ownUid(guest)),
    )
    return {
      held: [...some.held, ...others.held],
      absent: [...some.absent, ...others.absent],
      failure: some.failure ?? others.failure,
    }
  }

  async withGuest<T>(op: Op, id: string, work: (running: RunningGuest | null) => Promise<T>): Promise<T> {
    await this.ready
    return this.#locked(id, async () => {
      checkAlive(op)
      const guest = this.#guests.get(id)
      await guest?.settled()
      if (guest?.isAlive()) return work(runningGuest(guest.control(), guest.paths.run))
      if (!this.#unadopted.has(id)) return work(null)
      throw new DriverError('unavailable', `Nobody knows whether the guest ${id} runs: see its host's log.`)
    })
  }

  freeze(op: Op, id: string, to: 'paused' | 'running'): Promise<ObservedInstance> {
    return this.change(op, id, async (guest) => {
      if (!guest.isAlive())
        throw new DriverError('conflict', `Instance ${id} is ${guest.power}: start it first.`)
      if (guest.power !== to || guest.waitsForRoom) await guest.freeze(to)
    })
  }

  /** Records the wanted power before the change itself, so that a stopped guest stays stopped after a crash of the agent. */
  async wish(guest: QemuGuest, power: 'running' | 'off'): Promise<void> {
    if (guest.spec && guest.spec.power !== power) await guest.define({ ...guest.spec, power })
  }

  async close(): Promise<void> {
    clearInterval(this.#watch)
    await this.ready.catch(() => undefined)
    for (const guest of this.#guests.values()) guest.detach()
    await this.#watching
  }

  async #adopt(): Promise<void> {
    await mkdir(this.#options.dir, { recursive: true })
    for (const id of await listGuestIds(this.#options.dir)) {
      try {
        await this.#adoptOne(id)
      } catch (err) {
        this.#unadopted.add(id)
        this.#options.log.error({ err, instance: id }, 'a guest cannot be adopted')
      }
    }
  }

  async #adoptOne(id: string): Promise<void> {
    const { log, dir } = this.#options
    const paths = guestPaths(dir, id)
    const damaged = (err: unknown) => {
      log.error({ err, instance: id }, 'the record of a guest is damaged')
      return null
    }
    const spec = await readSpec(paths).catch(damaged)
    const guest = this.#guest(id, spec, await readRecord(paths).catch(damaged))
    this.#guests.set(id, guest)
    await this.#isolation.adopt(paths)
    await guest.adopt()
  }

  #guest(id: string, spec: InstanceSpec | null, record: RunRecord | null): QemuGuest {
    const none: RunRecord = { phase: 'off', pid: null, startedAt: null, bootId: '', reason: null }
    const { dir, log } = this.#options
    return new QemuGuest(guestPaths(dir, id), id, spec, record ?? none, {
      log,
      end: () => this.#isolation.end(guestPaths(dir, id)),
      bound: (pid, wanted) => this.#isolation.bound(pid, wanted),
      settle: (wanted, running) => this.#volumes.settle(backgroundOp(log, 'settle'), wanted, running),
      emit: (power, reason, at) => this.changes.emit(id, power, reason, at),
      launch: async (wanted) => {
        // An older agent may have recorded disk paths without checking them.
        checkDiskPaths(wanted, this.#diskPathOf)
        const taps = wanted.nics.map((nic) => nic.tap)
        const { accelerator, groups } = await this.#probed()
        const { netns, binary, startMs } = this.#options
        // A guest without taps needs the device, too: a NIC may be plugged in while the guest runs.
        const tun = await tunDevice(dir).catch((error: unknown) => {
          if (taps.length > 0) throw error
          return null
        })
        const uid = await this.#isolation.uidOf(id, guestPaths(dir, id))
        return {
          binary: binary ?? 'qemu-system-x86_64',
          jail: { uid, groups, netns, taps, tun, home: dir },
          openVolumes: (op) => this.#volumes.openAll(op, wanted, uid),
          accelerator,
          startMs: startMs ?? 30_000,
          configDrive: await this.#configDrive(wanted),
        }
      },
    })
  }

  /** Makes the config drive once, so that its content is the same at every start. */
  async #configDrive(spec: InstanceSpec): Promise<string | null> {
    const { dir, configFiles } = this.#options
    if (!spec.configDrive || !configFiles) return null
    const path = guestPaths(dir, spec.id).configDrive
    await ensureConfigDrive(path, () => configFiles(spec))
    return path
  }

  #probed(): Promise<ProbedAccelerator> {
    const { binary, dir, accel } = this.#options
    this.#accelerator ??= probeAccelerator({
      binary: binary ?? 'qemu-system-x86_64',
      directory: dir,
      want: accel ?? 'auto',
      uid: this.#isolation.uids.probe,
    }).catch((error: unknown) => {
      this.#accelerator = null
      throw error
    })
    return this.#accelerator
  }

  async #boundLogs(): Promise<void> {
    for (const guest of this.#guests.values()) {
      if (!guest.isAlive()) continue
      for (const path of [guest.paths.serialLog, guest.paths.qemuLog])
        await boundLog(path, logSlackBytes, this.#options.log).catch((err: unknown) =>
          this.#options.log.error({ err, instance: guest.id }, 'a log cannot be bounded'),
        )
    }
  }
}
