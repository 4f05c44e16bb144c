import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import { DriverError } from '../errors.ts'
import type { Op } from '../op.ts'
import type { RunningGuest } from '../volumes/interface.ts'
import { diskFailed, diskIsFull, fullDiskPatience, hasRoom, reasonOfStop } from './full-disk.ts'
import type { InstanceSpec, ObservedInstance, PowerState } from './interface.ts'
import { type LaunchOptions, launchQemu } from './qemu-launch.ts'
import { findQemu, killQemu, waitGone } from './qemu-process.ts'
import { connectQmp, type QmpClient, type QmpEvent } from './qmp.ts'
import { runningGuest, thawLeft } from './running-volumes.ts'
import { bootId, type GuestPaths, type RunRecord, tailOf, writeRecord, writeSpec } from './state-files.ts'

export type GuestContext = {
  log: Logger
  launch: (spec: InstanceSpec) => Promise<LaunchOptions>
  /** Ends all processes of the guest's user. */
  end: () => Promise<void>
  /** Bounds the resources that the guest's process may take. */
  bound: (pid: number, spec: InstanceSpec) => Promise<void>
  /** Puts right what an agent that was killed may have left in the guest's volumes. */
  settle: (spec: InstanceSpec, running: RunningGuest) => Promise<void>
  emit: (power: PowerState, reason: string | null, at?: string) => void
}

/** How long QEMU may take to answer "quit", and then to end, before it is killed. */
const quitMs = 3_000
/** When a lost control connection to a QEMU that still runs is tried again. */
const reconnectMs = 1_000
/** When moves of volumes that could not be settled are tried again. */
const settleAgainMs = 3_000

/**
 * One guest: its spec, its process and what QEMU tells about it. The methods are called one
 * at a time (qemu.ts holds a lock per guest); only QEMU's events arrive in between.
 */
export class QemuGuest {
  readonly id: string
  readonly paths: GuestPaths
  readonly #context: GuestContext
  spec: InstanceSpec | null
  power: PowerState = 'off'
  #record: RunRecord
  #qmp: QmpClient | null = null
  /** A sentence that says how our child process ended; null for a process that an earlier agent started. */
  #exited: Promise<string> | null = null
  /** Whether QEMU has announced the guest's end (event SHUTDOWN). */
  #shutdownSeen = false
  /** Whether we are ending the guest: then a closing control socket is no crash. */
  #ending = false
  #pauseReason: string | null = null
  /** Whether a look at the room of the disks is due. */
  #looksForRoom = false
  /** Whether moves of volumes are to be settled once more. */
  #settlesLater = false
  #settlesNow = false
  /** Work that an event started; lifecycle calls wait for it. */
  #settling: Promise<void> | null = null
  /** Whether the agent has let go of the guest (`detach`). */
  #closed = false
  /** While true no change of power is told to listeners (`quietly`). */
  #quiet = false

  constructor(
    paths: GuestPaths,
    id: string,
    spec: InstanceSpec | null,
    record: RunRecord,
    context: GuestContext,
  ) {
    this.id = id
    this.paths = paths
    this.spec = spec
    this.#record = record
    this.#context = context
  }

  observed(): ObservedInstance {
    const alive = this.isAlive()
    return {
      id: this.id,
      power: this.power,
      pid: alive ? this.#record.pid : null,
      startedAt: alive ? this.#record.startedAt : null,
      reason:
        this.power === 'crashed' ? this.#record.reason : this.power === 'paused' ? this.#pauseReason : null,
    }
  }

  isAlive(): boolean {
    return this.power === 'running' || this.power === 'paused'
  }

  /** Whether QEMU has stopped the guest because the disk is full; the guest goes on by itself then, unless it is paused. */
  get waitsForRoom(): boolean {
    return this.power === 'paused' && this.#pauseReason === diskIsFull
  }

  /** The control connection, or `unavailable` while QEMU does not answer. */
  control(): QmpClient {
    if (this.#qmp) return this.#qmp
    throw new DriverError('unavailable', `QEMU of instance ${this.id} does not answer on its control socket.`)
  }

  settled(): Promise<void> {
    return this.#settling ?? Promise.resolve()
  }

  /** Closes the connection to the guest, which goes on running. */
  detach(): void {
    this.#closed = true
    this.#qmp?.close()
  }

  /** Finds out, at the start of the agent, what became of the guest while no agent watched. */
  async adopt(): Promise<void> {
    if (this.#record.phase === 'off') return this.#kill(this.#record.pid)
    if (this.#record.phase === 'crashed') {
      this.power = 'crashed'
      return this.#kill(this.#record.pid)
    }
    const pid = await findQemu(this.paths.run, this.id, this.#record.pid)
    if (pid === null) {
      // When the agent died in the middle of a start, the guest has never run; otherwise the guest died by itself.
      if (this.#record.phase === 'starting') return this.#settle('off', null)
      const restarted = this.#record.bootId !== (await bootId())
      const why = restarted
        ? 'The host was restarted while the guest ran.'
        : 'QEMU died while the agent was down.'
      return this.#settle('crashed', await this.#withTail(why))
    }
    if (this.#record.phase === 'starting') {
      // The agent died in the middle of a start. The caller repeats the start.
      await this.#kill(pid)
      return this.#settle('off', null)
    }
    this.#record = { ...this.#record, pid }
    this.power = 'running'
    // A guest that an older agent started may have no bounds.
    if (this.spec)
      await this.#context
        .bound(pid, this.spec)
        .catch((err: unknown) =>
          this.#context.log.error({ err, instance: this.id }, 'a running guest cannot be bounded'),
        )
    await this.#attach().catch((error: unknown) => {
      this.#context.log.warn({ err: error, instance: this.id }, 'a running guest does not answer yet')
      this.#reconnectLater()
    })
    if (this.#qmp)
      thawLeft(this.#qmp, this.paths.run).catch((err: unknown) =>
        this.#context.log.info({ err, instance: this.id }, 'the file systems of a guest may be frozen'),
      )
  }

  async launch(op: Op): Promise<void> {
    const { spec } = this
    if (!spec)
      throw new DriverError('invalid', `The record of instance ${this.id} is damaged: ensure it again.`)
    const before = this.#record
    const options = await this.#context.launch(spec)
    await this.#kill(before.pid)
    this.#shutdownSeen = false
    this.#ending = false
    this.#pauseReason = null
    const startedAt = new Date().toISOString()
    try {
      await this.#save({ phase: 'starting', pid: null, startedAt, bootId: await bootId(), reason: null })
      const { qmp, pid, exited } = await launchQemu(op, spec, this.paths, options, {
        ...this.#handlers(),
        bound: (child) => this.#context.bound(child, spec),
      })
      this.#qmp = qmp
      this.#exited = exited
      await this.#save({ ...this.#record, pid })
      await qmp.execute('cont')
      await this.#save({ ...this.#record, phase: 'running' })
    } catch (error) {
      this.#ending = true
      this.#qmp?.close()
      this.#qmp = null
      await this.#kill(this.#record.pid)
      await this.#save(before)
      throw error
    }
    // When an event has already ended the guest, that state stays.
    if (this.#settling === null) this.#become('running', null)
  }

  /** Ends the process at once. Power becomes off. */
  async halt(): Promise<void> {
    this.#ending = true
    await this.#save({ ...this.#record, phase: 'off', reason: null }).catch((error: unknown) =>
      this.#context.log.error(
        { err: error, instance: this.id },
        'the clean end of a guest cannot be recorded',
      ),
    )
    const { pid } = this.#record
    const qmp = this.#qmp
    // The answer may never come, because QEMU can end before it answers.
    await qmp?.execute('quit', {}, quitMs).catch(() => undefined)
    const gone = pid !== null && qmp !== null && (await waitGone(this.paths.run, this.id, pid, quitMs))
    if (gone) await this.#context.end()
    else await this.#kill(pid)
    qmp?.close()
    this.#qmp = null
    this.#record = { ...this.#record, pid: null }
    this.#become('off', null)
  }

  /** Kills the guest's process, and processes of the guest's user that are not recognised as its QEMU. */
  async #kill(pid: number | null): Promise<void> {
    await killQemu(this.paths.run, this.id, pid)
    await this.#context.end()
  }

  async pressButton(): Promise<void> {
    await this.control().execute('system_powerdown')
  }

  async freeze(to: 'paused' | 'running'): Promise<void> {
    const qmp = this.control()
    const { paused: before } = this.#record
    // In memory first: QEMU's events and a new connection ask for the mark, and the disk of the record may be full, too.
    this.#record = { ...this.#record, paused: to === 'paused' ? true : undefined }
    try {
      await qmp.execute(to === 'paused' ? 'stop' : 'cont')
    } catch (error) {
      this.#record = { ...this.#record, paused: before }
      throw error
    }
    // A disk that is full does not keep anybody from pausing the guest.
    await this.#save(this.#record).catch((err: unknown) =>
      this.#context.log.error({ err, instance: this.id }, 'the pause of a guest cannot be recorded'),
    )
    const status = await this.#status()
    if (status === 'paused' || status === 'running') this.#become(status, null)
  }

  /** Tells listeners only the outcome of `run`: a reboot must not look like an end and a beginning. */
  async quietly(run: () => Promise<void>): Promise<void> {
    this.#quiet = true
    try {
      await run()
    } finally {
      this.#quiet = false
      this.#context.emit(this.power, this.observed().reason)
    }
  }

  async define(spec: InstanceSpec): Promise<void> {
    await writeSpec(this.paths, spec)
    const wasDamaged = this.spec === null
    this.spec = spec
    if (wasDamaged && this.isAlive()) this.#settleMovesLater()
  }

  /** Makes a crashed guest `off`, after a caller has asked to stop it. */
  async acknowledge(): Promise<void> {
    await this.#settle('off', null)
  }

  #handlers() {
    return {
      onEvent: (event: QmpEvent) => this.#onEvent(event),
      onClose: () => this.#onClose(),
    }
  }

  async #attach(): Promise<void> {
    this.#shutdownSeen = false
    let isForgotten = false
    const qmp = await connectQmp(this.paths.run, 5_000, {
      ...this.#handlers(),
      onClose: () => {
        if (!isForgotten) this.#onClose()
      },
    })
    this.#qmp = qmp
    try {
      await this.#lookAt(qmp)
    } catch (error) {
      // Whoever has no answer now begins anew, so that nothing of what a new connection needs is left out.
      isForgotten = true
      if (this.#qmp === qmp) this.#qmp = null
      qmp.close()
      throw error
    }
    this.#settleMoves()
  }

  async #lookAt(qmp: QmpClient): Promise<void> {
    const uuid = (await qmp.execute('query-uuid')) as { UUID?: unknown }
    if (uuid.UUID !== this.id)
      throw new DriverError('failed', `The control socket of instance ${this.id} belongs to another guest.`)
    const status = await this.#status()
    if (status === 'off') return this.halt()
    // QEMU tells that the disk was full also of a guest that somebody has paused since.
    const isStopped = status === 'paused' && !this.#record.paused
    this.#become(status, isStopped ? await reasonOfStop(qmp) : null)
    this.#goOnWithRoom()
  }

  /**
   * Ends what moves of volumes that were cut off have left. The guest's disks may hold still until it succeeds. Nobody waits for it: a
   * pool that does not answer holds up neither other calls on the guest nor the start of the agent.
   */
  #settleMoves(): void {
    const { spec, paths } = this
    const qmp = this.#qmp
    // The next connection settles them, and the next spec when the record is damaged.
    if (!spec || !qmp || this.#closed || !this.isAlive()) return
    if (this.#settlesNow) {
      this.#settleMovesLater()
      return
    }
    this.#settlesNow = true
    this.#context
      .settle(spec, runningGuest(qmp, paths.run))
      .catch((err: unknown) => {
        this.#context.log.error({ err, instance: this.id }, 'a move of a volume could not be settled')
        this.#settleMovesLater()
      })
      .finally(() => {
        this.#settlesNow = false
      })
  }

  #settleMovesLater(): void {
    if (this.#settlesLater) return
    this.#settlesLater = true
    const timer = setTimeout(() => {
      this.#settlesLater = false
      this.#settleMoves()
    }, settleAgainMs)
    timer.unref()
  }

  /** Lets a guest go on that QEMU has stopped because the disk was full, as soon as there is room. */
  #goOnWithRoom(): void {
    if (this.#looksForRoom || !this.waitsForRoom) return
    this.#looksForRoom = true
    const timer = setTimeout(() => {
      this.#looksForRoom = false
      this.#work(async () => {
        // Somebody may have stopped the guest for another reason meanwhile.
        if (this.#closed || !this.waitsForRoom || !this.#qmp) return
        if (await hasRoom(this.#qmp)) await this.#qmp.execute('cont')
        else this.#goOnWithRoom()
      })
    }, fullDiskPatience.lookEveryMs)
    timer.unref()
  }

  /** QEMU's run state, as one of our power states. */
  async #status(): Promise<'running' | 'paused' | 'off'> {
    const { status } = (await this.control().execute('query-status')) as { status?: unknown }
    if (status === 'running') return 'running'
    return status === 'shutdown' ? 'off' : 'paused'
  }

  #onEvent({ name, data, at }: QmpEvent): void {
    this.#context.log.debug({ instance: this.id, event: name, data }, 'qemu event')
    if (name === 'SHUTDOWN') {
      this.#shutdownSeen = true
      // The guest has powered itself off, perhaps because of the button. A QEMU that a signal ends needs no halt().
      if (!this.#ending && this.#settling === null && data.guest === true) this.#work(() => this.halt())
      return
    }
    if (this.#shutdownSeen || this.#ending) return
    // QEMU holds the guest's disk until the move is ended, also when the call that has asked for that is gone by now.
    if (name === 'JOB_STATUS_CHANGE' && data.status === 'pending') this.#settleMovesLater()
    if (name === 'BLOCK_IO_ERROR' && data.action === 'stop')
      this.#pauseReason = data.nospace === true ? diskIsFull : diskFailed
    if (name === 'STOP') {
      this.#become('paused', this.#pauseReason, at)
      this.#goOnWithRoom()
    }
    if (name === 'RESUME' && this.#record.phase === 'running') {
      this.#pauseReason = null
      this.#become('running', null, at)
    }
    // The guest still runs; listeners are told so that they can show that the guest has begun anew.
    if (name === 'RESET' && this.power === 'running') this.#context.emit('running', null, at)
  }

  #onClose(): void {
    this.#qmp = null
    if (this.#ending || this.#closed || this.#record.phase !== 'running') return
    this.#work(() => this.#lost())
  }

  /** Follows up a control connection that ended without our doing: reconnects, or records the guest's end. */
  async #lost(): Promise<void> {
    const { pid } = this.#record
    if (pid !== null && !(await waitGone(this.paths.run, this.id, pid, 1_000))) {
      this.#reconnectLater()
      return
    }
    if (this.#shutdownSeen) return this.#settle('off', null)
    const exit = await Promise.race([this.#exited ?? 'QEMU died', sleep(500, 'QEMU died')])
    await this.#settle('crashed', await this.#withTail(`${exit}.`))
  }

  #reconnectLater(): void {
    const timer = setTimeout(() => {
      if (this.#closed || this.#qmp || !this.isAlive() || this.#ending) return
      this.#work(async () => {
        const pid = await findQemu(this.paths.run, this.id, this.#record.pid)
        if (this.#qmp) return
        if (pid === null) await this.#lost()
        else await this.#attach().catch(() => this.#reconnectLater())
      })
    }, reconnectMs)
    timer.unref()
  }

  /** Runs the reaction to an event, after the reactions to earlier events. Never rejects. */
  #work(run: () => Promise<void>): void {
    const mine = this.settled()
      .then(run)
      .catch((error: unknown) =>
        this.#context.log.error(
          { err: error, instance: this.id },
          'a change of a guest could not be followed',
        ),
      )
      .finally(() => {
        if (this.#settling === mine) this.#settling = null
      })
    this.#settling = mine
  }

  async #withTail(sentence: string): Promise<string> {
    const tail = await tailOf(this.paths.qemuLog)
    return tail ? `${sentence} Its log ends: ${tail}` : `${sentence} Its log is empty.`
  }

  async #settle(power: 'off' | 'crashed', reason: string | null): Promise<void> {
    await this.#context.end()
    await this.#save({ ...this.#record, phase: power, pid: null, reason })
    this.#become(power, reason)
  }

  async #save(record: RunRecord): Promise<void> {
    await writeRecord(this.paths, record)
    this.#record = record
  }

  #become(power: PowerState, reason: string | null, at?: string): void {
    if (power === 'paused') this.#pauseReason = reason
    if (this.power === power) return
    this.power = power
    if (!this.#quiet) this.#context.emit(power, reason, at)
  }
}
