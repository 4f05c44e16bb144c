import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { z } from 'zod'
import { DriverError } from '../errors.ts'

/**
 * QEMU Machine Protocol (docs/interop/qmp-spec.txt of QEMU): one JSON object a line, a greeting,
 * `qmp_capabilities`, then commands with ids and events at any time. One client per socket.
 */
export type QmpEvent = { name: string; data: Record<string, unknown>; at: string }
export type QmpClient = {
  /**
   * Runs one command and returns its `return`. Raises `failed` with QEMU's sentence when it
   * refuses, `unavailable` when the connection goes or nothing comes back in time.
   */
  execute(command: string, args?: Record<string, unknown>, timeoutMs?: number): Promise<unknown>
  close(): void
}
type Handlers = { onEvent: (event: QmpEvent) => void; onClose: () => void }

/** QEMU is not trusted (a guest may have taken it over), so the length of its messages is bounded. */
const maxLineBytes = 4 * 1024 * 1024
const messageSchema = z.looseObject({
  QMP: z.looseObject({}).optional(),
  id: z.number().optional(),
  return: z.unknown().optional(),
  error: z.looseObject({ desc: z.string() }).optional(),
  event: z.string().optional(),
  data: z.record(z.string(), z.unknown()).optional(),
  timestamp: z.looseObject({ seconds: z.number(), microseconds: z.number() }).optional(),
})
type Message = z.infer<typeof messageSchema>
type Pending = {
  resolve: (value: unknown) => void
  reject: (error: DriverError) => void
  timer: NodeJS.Timeout
}

/** O_PATH of Linux's open(2): a descriptor of the file itself, whatever its type. Node has no constant for it. */
const openPath = 0x200000

/**
 * Connects to the unix socket of that name in a directory. The directory belongs to a guest's QEMU, which could
 * put a link to a socket of root there. Therefore only a socket of the directory's own user is accepted, and
 * the connection is made by its descriptor (which also avoids the kernel's limit of 108 bytes for a path).
 */
export async function connectInDirectory(directory: string, name: string): Promise<Socket> {
  await using folder = await open(
    directory,
    constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW,
  )
  await using target = await open(`/proc/self/fd/${folder.fd}/${name}`, openPath | constants.O_NOFOLLOW)
  const [mine, found] = await Promise.all([folder.stat(), target.stat()])
  if (!found.isSocket() || found.uid !== mine.uid)
    throw new DriverError('failed', `${name} is not the socket that the guest's QEMU made.`)
  return await new Promise((resolve, reject) => {
    const socket = connect({ path: `/proc/self/fd/${target.fd}` })
    socket.once('error', reject)
    socket.once('connect', () => {
      socket.off('error', reject)
      resolve(socket)
    })
  })
}

/** Connects and negotiates; raises `unavailable` when nothing listens or answers within timeoutMs. */
export async function connectQmp(
  directory: string,
  timeoutMs: number,
  handlers: Handlers,
): Promise<QmpClient> {
  let socket: Socket
  try {
    socket = await connectInDirectory(directory, 'qmp')
  } catch (cause) {
    throw new DriverError('unavailable', 'QEMU does not listen on its control socket.', { cause })
  }
  const session = new QmpSession(socket, handlers)
  try {
    await session.greeting(timeoutMs)
    await session.execute('qmp_capabilities', {}, timeoutMs)
  } catch (error) {
    session.close()
    throw error
  }
  return session
}

class QmpSession implements QmpClient {
  readonly #socket: Socket
  readonly #handlers: Handlers
  readonly #pending = new Map<number, Pending>()
  #nextId = 1
  #buffered: Buffer[] = []
  #bufferedBytes = 0
  #closed = false

  constructor(socket: Socket, handlers: Handlers) {
    this.#socket = socket
    this.#handlers = handlers
    socket.on('data', (chunk) => this.#read(chunk))
    // 'close' follows every error, and its handler ends the session.
    socket.on('error', () => socket.destroy())
    socket.on('close', () => this.#end())
  }

  /** The greeting is treated as the answer to command 0. */
  greeting(timeoutMs: number): Promise<unknown> {
    return this.#await(0, 'greeting', timeoutMs)
  }

  execute(command: string, args: Record<string, unknown> = {}, timeoutMs = 10_000): Promise<unknown> {
    const id = this.#nextId++
    const answer = this.#await(id, command, timeoutMs)
    if (!this.#closed) this.#socket.write(`${JSON.stringify({ execute: command, arguments: args, id })}\n`)
    return answer
  }

  close(): void {
    this.#socket.destroy()
  }

  #await(id: number, what: string, timeoutMs: number): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.#closed) return reject(new DriverError('unavailable', `QEMU is gone (${what}).`))
      const timer = setTimeout(() => {
        this.#pending.delete(id)
        reject(new DriverError('unavailable', `QEMU did not answer ${what} within ${timeoutMs} ms.`))
      }, timeoutMs)
      this.#pending.set(id, {
        timer,
        resolve,
        reject: (error) =>
          reject(new DriverError(error.code, `${what}: ${error.message}`, { cause: error.cause })),
      })
    })
  }

  #read(chunk: Buffer): void {
    let rest = chunk
    for (let at = rest.indexOf(10); at >= 0; at = rest.indexOf(10)) {
      this.#line(Buffer.concat([...this.#buffered, rest.subarray(0, at)]).toString('utf8'))
      this.#buffered = []
      this.#bufferedBytes = 0
      rest = rest.subarray(at + 1)
    }
    if (rest.length === 0) return
    this.#buffered.push(rest)
    this.#bufferedBytes += rest.length
    if (this.#bufferedBytes > maxLineBytes) this.#socket.destroy()
  }

  #line(line: string): void {
    let message: Message
    try {
      message = messageSchema.parse(JSON.parse(line))
    } catch {
      // The other side does not speak QMP, so the connection is not trusted any further.
      this.#socket.destroy()
      return
    }
    if (message.event !== undefined) {
      const { timestamp } = message
      const ms = timestamp ? timestamp.seconds * 1000 + timestamp.microseconds / 1000 : Number.NaN
      const at = ms > 0 && ms < 8e15 ? new Date(ms) : new Date()
      this.#handlers.onEvent({ name: message.event, data: message.data ?? {}, at: at.toISOString() })
      return
    }
    const id = message.QMP ? 0 : message.id
    const pending = id === undefined ? undefined : this.#pending.get(id)
    if (id === undefined || !pending) return
    this.#pending.delete(id)
    clearTimeout(pending.timer)
    if (message.error) pending.reject(new DriverError('failed', message.error.desc))
    else pending.resolve(message.return)
  }

  #end(): void {
    if (this.#closed) return
    this.#closed = true
    for (const { reject, timer } of this.#pending.values()) {
      clearTimeout(timer)
      reject(new DriverError('unavailable', 'QEMU closed its control socket.'))
    }
    this.#pending.clear()
    this.#handlers.onClose()
  }
}
