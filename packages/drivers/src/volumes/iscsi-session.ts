import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import pLimit from 'p-limit'
import { DriverError } from '../errors.ts'
import type { Op } from '../op.ts'
import { type Agreed, type IscsiAccess, logIn, mostFromTarget } from './iscsi-login.ts'
import { type IscsiPdu, noTag, opcodes, type PduFields, pduOf, pduReader } from './iscsi-pdu.ts'

/**
 * A session with an iSCSI target, for what a host itself does there: to list LUNs, to claim one, to copy and to wipe. Guests
 * reach their LUNs by QEMU's own initiator (volume-server.ts). One command is under way at a time, and further ones wait for
 * their turn. A target that does not answer ends the session, so that no call waits for it longer than `answerMs`.
 */
export type IscsiSession = {
  /** Runs a SCSI command, and returns what it reads, at most `reads` bytes. Raises ScsiError when the target refuses. */
  run(command: ScsiCommand): Promise<Buffer>
  close(): Promise<void>
}
/** `once`: a target that has something to tell ends the command, which is not repeated then. */
export type ScsiCommand = { lun: Buffer; cdb: Buffer; reads?: number; writes?: Buffer; once?: true }

/** What a target has refused: the key and the code of its sense data; both 0 when there are none. */
export class ScsiError extends DriverError {
  readonly key: number
  readonly status: number
  constructor(status: number, sense: Buffer) {
    const isDescriptor = ((sense[0] ?? 0) & 0x7f) >= 0x72
    const key = (isDescriptor ? (sense[1] ?? 0) : (sense[2] ?? 0)) & 0x0f
    const code = (isDescriptor ? sense.subarray(2, 4) : sense.subarray(12, 14)).toString('hex')
    super(
      status === reservedStatus ? 'unavailable' : 'failed',
      status === reservedStatus
        ? 'Another host or system has reserved a LUN for longer than a moment.'
        : `The target refuses a command (status ${status}, sense ${key}/${code || 'none'}).`,
    )
    this.key = key
    this.status = status
  }
}
export const senseKeys = { illegalRequest: 5, unitAttention: 6 } as const
const reservedStatus = 0x18
/** The target is busy, another session has reserved the LUN, or too many commands are under way. */
const busy = [0x08, reservedStatus, 0x28]

const connectMs = 5_000
/** Less than a call of the control plane waits for the space of a pool. */
const defaultAnswerMs = 15_000
const attempts = 10

type Waiting = {
  command: ScsiCommand
  lun: Buffer
  found: Buffer
  /** How many bytes have come, and how many the target was given. */
  taken: number
  given: number
  resolve: (bytes: Buffer) => void
  reject: (error: Error) => void
}

export async function openSession(
  op: Op,
  access: IscsiAccess,
  answerMs = defaultAnswerMs,
): Promise<IscsiSession> {
  const wire = await Wire.open(op, access, answerMs)
  try {
    const agreed = await logIn((request, data) => wire.exchange(request, data), access)
    return sessionOf(wire, agreed)
  } catch (error) {
    wire.end()
    throw error
  }
}

function sessionOf(wire: Wire, agreed: Agreed): IscsiSession {
  const inTurn = pLimit(1)
  async function repeat(command: ScsiCommand): Promise<Buffer> {
    for (let attempt = 1; ; attempt += 1)
      try {
        return await wire.command(command, agreed)
      } catch (error) {
        if (!(error instanceof ScsiError) || attempt === attempts) throw error
        // The first command of a session hears what has happened before, and a busy target asks for patience.
        // A command that is sent `once` belongs to a reservation of our own, which is gone when another session has one.
        if (command.once && error.status === reservedStatus) throw error
        if (busy.includes(error.status)) await sleep(50 * attempt + Math.random() * 50)
        else if (command.once || error.key !== senseKeys.unitAttention) throw error
      }
  }
  return { run: (command) => inTurn(() => repeat(command)), close: () => wire.logOut() }
}

/** The connection, and the numbers that both sides count by. */
class Wire {
  readonly #socket: Socket
  readonly #where: string
  readonly #answerMs: number
  readonly #stopListening: () => void
  #commandNumber = 1
  #answerNumber = 0
  #tag = 0
  #waiting: Waiting | null = null
  #onOther: ((pdu: IscsiPdu) => void) | null = null
  #timer: NodeJS.Timeout | null = null
  #reject: ((error: Error) => void) | null = null
  #failure: Error | null = null
  /** The most data in one PDU that the target takes. */
  #mostToTarget = 8192

  static open(op: Op, { portal, target }: IscsiAccess, answerMs: number): Promise<Wire> {
    const at = portal.lastIndexOf(':')
    const host = portal.slice(0, at).replace(/^\[|\]$/g, '')
    return new Promise((resolve, reject) => {
      const socket = connect({ host, port: Number(portal.slice(at + 1)) })
      const wire = new Wire(op, socket, `${portal} (${target})`, answerMs)
      wire.#expect(connectMs, reject)
      socket.once('connect', () => {
        wire.#settle()
        socket.setNoDelay(true)
        resolve(wire)
      })
    })
  }

  constructor(op: Op, socket: Socket, where: string, answerMs: number) {
    this.#socket = socket
    this.#where = where
    this.#answerMs = answerMs
    const stop = () => this.#fail('the caller does not wait any longer')
    op.signal.addEventListener('abort', stop, { once: true })
    this.#stopListening = () => op.signal.removeEventListener('abort', stop)
    if (op.signal.aborted) stop()
    const read = pduReader(mostFromTarget, (pdu) => this.#take(pdu))
    socket.on('data', (chunk: Buffer) => {
      try {
        read(chunk)
      } catch (error) {
        this.#fail((error as Error).message)
      }
    })
    socket.on('error', (error) => this.#fail(error.message))
    socket.on('close', () => this.#fail('it has closed the connection'))
  }

  end(): void {
    this.#fail('the session has ended')
  }

  /** Sends a message and returns the next one, as long as no command is under way. */
  exchange(request: PduFields, data: Buffer): Promise<IscsiPdu> {
    return this.#answer((resolve, reject) => {
      this.#onOther = resolve
      this.#expect(this.#answerMs, reject)
      this.#send(request, { 16: 1, 24: this.#commandNumber, 28: this.#answerNumber }, data)
    })
  }

  command(command: ScsiCommand, { mostToTarget, firstBurst, immediateData }: Agreed): Promise<Buffer> {
    return this.#answer((resolve, reject) => {
      const { lun, cdb, reads = 0, writes } = command
      this.#tag = (this.#tag + 1) % noTag
      this.#mostToTarget = mostToTarget
      const first = immediateData ? (writes?.subarray(0, Math.min(mostToTarget, firstBurst)) ?? null) : null
      const counts = { taken: 0, given: first?.length ?? 0 }
      this.#waiting = { command, lun, found: Buffer.alloc(reads), ...counts, resolve, reject }
      const flags = 0x80 | (reads > 0 ? 0x40 : 0) | (writes ? 0x20 : 0) | 1
      this.#expect(this.#answerMs, reject)
      const words = {
        ...{ 16: this.#tag, 20: writes?.length ?? reads, 24: this.#commandNumber, 28: this.#answerNumber },
        ...Object.fromEntries([0, 4, 8, 12].map((at) => [32 + at, cdb.readUInt32BE(at)])),
      }
      this.#commandNumber += 1
      this.#send({ opcode: opcodes.command, flags, lun }, words, first ?? undefined)
    })
  }

  /** Tells the target that the session is over, without insisting on an answer. */
  async logOut(): Promise<void> {
    if (this.#failure) return
    const over = new Promise<void>((resolve) => {
      this.#socket.once('close', () => resolve())
      this.#onOther = () => resolve()
    })
    this.#send(
      { opcode: opcodes.logout | 0x40, flags: 0x80, lun: Buffer.alloc(8) },
      { 16: noTag - 1, 24: this.#commandNumber, 28: this.#answerNumber },
    )
    const enough = new AbortController()
    await Promise.race([over, sleep(1_000, null, { signal: enough.signal }).catch(() => null)])
    enough.abort()
    this.end()
  }

  async #answer<T>(ask: (resolve: (value: T) => void, reject: (error: Error) => void) => void): Promise<T> {
    try {
      return await new Promise<T>((resolve, reject) => {
        if (this.#failure) return reject(this.#failure)
        ask(resolve, reject)
      })
    } finally {
      this.#settle()
    }
  }

  /** Ends the connection when nothing has come within that time. */
  #expect(withinMs: number, reject: (error: Error) => void): void {
    this.#reject = reject
    if (this.#failure) {
      reject(this.#failure)
      return
    }
    this.#timer = setTimeout(() => this.#fail(`it has not answered for ${withinMs / 1000} s`), withinMs)
  }
  #settle(): void {
    if (this.#timer) clearTimeout(this.#timer)
    this.#timer = null
    this.#reject = null
    this.#onOther = null
    this.#waiting = null
  }

  #fail(why: string): void {
    if (this.#failure) return
    this.#failure = new DriverError(
      'unavailable',
      `The iSCSI target at ${this.#where} does not work: ${why}.`,
    )
    this.#stopListening()
    this.#socket.destroy()
    const reject = this.#reject
    this.#settle()
    reject?.(this.#failure)
  }

  #send(fields: PduFields, words: Readonly<Record<number, number>>, data?: Buffer): void {
    if (this.#socket.write(pduOf(fields, words, data)) || this.#socket.isPaused()) return
    // A target that asks and does not take the answers would fill our memory with them.
    this.#socket.pause()
    this.#socket.once('drain', () => this.#socket.resume())
  }

  #take(pdu: IscsiPdu): void {
    const { opcode, flags, header } = pdu
    const hasStatus = opcode !== opcodes.readyToTransfer && (opcode !== opcodes.dataIn || (flags & 1) !== 0)
    const isPing = opcode === opcodes.nopIn && pdu.tag === noTag
    if (hasStatus && !isPing) this.#answerNumber = (header.readUInt32BE(24) + 1) >>> 0
    switch (opcode) {
      case opcodes.nopIn:
        if (isPing) this.#pong(header)
        break
      case opcodes.asyncMessage:
        this.#fail('it ends the session')
        break
      case opcodes.reject:
        this.#fail('it rejects a message')
        break
      case opcodes.loginResponse:
      case opcodes.logoutResponse:
        this.#onOther?.(pdu)
        break
      default:
        this.#takeFor(this.#waiting, pdu)
    }
  }

  /** What belongs to the command that is under way. */
  #takeFor(waiting: Waiting | null, pdu: IscsiPdu): void {
    if (waiting === null || pdu.tag !== this.#tag) this.#fail('it answers what nobody has asked')
    else if (pdu.opcode === opcodes.readyToTransfer) this.#give(waiting, pdu.header)
    else if (pdu.opcode === opcodes.dataIn) this.#fill(waiting, pdu)
    else if (pdu.opcode === opcodes.response) this.#finish(waiting, pdu)
    else this.#fail('it sends what is no answer')
  }

  /** A target that wants to know whether we are still there. */
  #pong(header: Buffer): void {
    const tag = header.readUInt32BE(20)
    if (tag === noTag) return
    this.#send(
      { opcode: opcodes.nopOut | 0x40, flags: 0x80, lun: header.subarray(8, 16) },
      { 16: noTag, 20: tag, 24: this.#commandNumber, 28: this.#answerNumber },
    )
  }

  /** Sends the part of the data for which the target has room. */
  #give(waiting: Waiting, header: Buffer): void {
    const { command, lun, given } = waiting
    const [tag, at, length] = [header.readUInt32BE(20), header.readUInt32BE(40), header.readUInt32BE(44)]
    const bytes = command.writes?.subarray(at, at + length)
    // It asks for the data in their order, as both sides have agreed.
    if (length === 0 || at !== given || bytes?.length !== length) {
      this.#fail('it asks for data that are not there')
      return
    }
    waiting.given += length
    this.#timer?.refresh()
    for (let done = 0, number = 0; done < length; number += 1) {
      const part = bytes.subarray(done, done + this.#mostToTarget)
      const isLast = done + part.length === length
      this.#send(
        { opcode: opcodes.dataOut, flags: isLast ? 0x80 : 0, lun },
        { 16: this.#tag, 20: tag, 28: this.#answerNumber, 36: number, 40: at + done },
        part,
      )
      done += part.length
    }
  }

  #fill(waiting: Waiting, { header, data, flags }: IscsiPdu): void {
    const at = header.readUInt32BE(40)
    if (at + data.length > waiting.found.length) {
      this.#fail('it sends more than was asked for')
      return
    }
    if (data.length > 0) {
      if (at !== waiting.taken) {
        this.#fail('it sends data in another order than was agreed on')
        return
      }
      data.copy(waiting.found, at)
      waiting.taken += data.length
      // Only what goes on keeps a command alive.
      this.#timer?.refresh()
    }
    if ((flags & 1) !== 0) this.#end(waiting, header, flags, Buffer.alloc(0))
  }

  #finish(waiting: Waiting, { header, data, flags }: IscsiPdu): void {
    if (header[2] !== 0) {
      this.#fail('it could not carry a command out')
      return
    }
    const length = data.length >= 2 ? data.readUInt16BE(0) : 0
    this.#end(waiting, header, flags, data.subarray(2, 2 + length))
  }

  #end(waiting: Waiting, header: Buffer, flags: number, sense: Buffer): void {
    const { command, found, taken, given, resolve, reject } = waiting
    const status = header[3] ?? 0
    if (status !== 0) {
      reject(new ScsiError(status, sense))
      return
    }
    // The target may have less than the command asks for, and says so then.
    const missing = (flags & 0x02) !== 0 ? header.readUInt32BE(44) : 0
    const { length = 0 } = command.writes ?? {}
    if (command.writes && (given !== length || missing > 0)) this.#fail('it has not taken all data')
    else if (taken + (command.writes ? 0 : missing) !== found.length)
      this.#fail('it has sent fewer data than it says')
    else resolve(found.subarray(0, taken))
  }
}
