import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { runFiles } from './qemu-args.ts'
import { connectInDirectory } from './qmp.ts'

/**
 * QEMU's guest agent (docs/interop/qemu-ga-ref of QEMU): one JSON object a line over a channel that the guest can answer
 * on as it likes. Nothing that it says is trusted, what it sends is bounded in length, and nothing waits for it long.
 */
const maxAnswerBytes = 64 * 1024
/** How long the agent may take to say that it is there. */
const helloMs = 2_000
/** How long the file systems may take to write what they have and to hold still. */
const freezeMs = 10_000
const thawMs = 5_000
/** How often thawing is tried: a guest whose file systems stay frozen hangs. */
const thawTries = 3

const answerSchema = z.looseObject({ return: z.unknown().optional(), error: z.unknown().optional() })

/**
 * Runs `work` while the file systems of a guest hold still. Returns whether they did: false when no agent answers in the
 * guest, or the agent could not freeze the file systems. Raises what `work` raises.
 */
export async function quiesced(directory: string, work: () => Promise<void>): Promise<boolean> {
  const agent = await hello(directory)
  if (agent === null) {
    await work()
    return false
  }
  try {
    const isFrozen = typeof (await agent.ask('guest-fsfreeze-freeze', freezeMs)) === 'number'
    await work()
    return isFrozen
  } finally {
    // Also after a failure: the agent may carry the request out later than we wait.
    for (let tries = 0; tries < thawTries; tries++)
      if (typeof (await agent.ask('guest-fsfreeze-thaw', thawMs)) === 'number') break
    agent.close()
  }
}

/** Lets the file systems of a guest go on that an agent of ours, which was killed, has left frozen. */
export async function thaw(directory: string): Promise<void> {
  const agent = await hello(directory)
  await agent?.ask('guest-fsfreeze-thaw', thawMs)
  agent?.close()
}

type Agent = { ask(command: string, timeoutMs: number): Promise<unknown>; close(): void }

/** Connects to the agent and waits until it is in step with us; null when it does not answer in time. */
async function hello(directory: string): Promise<Agent | null> {
  const socket = await connectInDirectory(directory, runFiles.agent).catch(() => null)
  if (socket === null) return null
  const agent = agentOf(socket)
  const id = Math.floor(Math.random() * 2 ** 31)
  // An answer to somebody's earlier request may still be on its way: only the answer with our number counts.
  socket.write(line('guest-sync', { id }))
  const end = Date.now() + helloMs
  while (Date.now() < end) {
    const said = await agent.next(end - Date.now())
    if (said === null) break
    if (said.return === id) return agent
  }
  agent.close()
  return null
}

const line = (command: string, args?: object) =>
  `${JSON.stringify({ execute: command, ...(args ? { arguments: args } : {}) })}\n`

/** `ask` returns undefined when the agent refuses, or does not answer in time. */
function agentOf(socket: Socket) {
  let buffered = ''
  let wake: () => void = () => undefined
  let isOver = false
  socket.setEncoding('utf8')
  socket.on('data', (chunk: string) => {
    buffered += chunk
    if (buffered.length > maxAnswerBytes) socket.destroy()
    wake()
  })
  // 'close' follows every error.
  socket.on('error', () => socket.destroy())
  socket.on('close', () => {
    isOver = true
    wake()
  })
  const next = async (timeoutMs: number): Promise<z.output<typeof answerSchema> | null> => {
    const end = Date.now() + timeoutMs
    for (;;) {
      const cut = buffered.indexOf('\n')
      if (cut >= 0) {
        const text = buffered.slice(0, cut)
        buffered = buffered.slice(cut + 1)
        const said = answerSchema.safeParse(parsed(text))
        if (said.success) return said.data
        continue
      }
      const left = end - Date.now()
      if (isOver || left <= 0) return null
      const more = new Promise<void>((resolve) => {
        wake = resolve
      })
      await Promise.race([more, sleep(left)])
    }
  }
  return {
    next,
    async ask(command: string, timeoutMs: number): Promise<unknown> {
      if (isOver) return undefined
      socket.write(line(command))
      return (await next(timeoutMs))?.return
    },
    close: () => socket.destroy(),
  }
}

/** The agent may put the byte 0xff before an answer. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text.replace(/^[^{]*/, ''))
  } catch {
    return null
  }
}
