import { Worker } from 'node:worker_threads'
import type { Algorithm, HashAnswer, HashOrder } from './hash-protocol.ts'

type Digests = HashAnswer['digests']
/** The algorithms of each thread. Both threads have about the same work: SHA-256 takes as long as the other two together. */
const shares: Algorithm[][] = [['sha256'], ['md5', 'sha512']]
/** The threads end when nothing was uploaded for so long, in ms. */
const idleMs = 30_000

type Waiting = { resolve: (digests: Digests) => void; reject: (error: Error) => void }
type Thread = { worker: Worker; waiting: Map<number, Waiting> }

let threads: Thread[] = []
let users = 0
let idle: NodeJS.Timeout | null = null
let lastNumber = 0

/** Computes one file's hashes on threads that all files share. Call `close` in the end, also after a failure. */
export type HashJob = {
  /** Resolves when the block has been hashed and may be filled again. */
  update: (block: SharedArrayBuffer, length: number) => Promise<unknown>
  digest: () => Promise<Digests>
  close: () => void
}

export function openHashJob(): HashJob {
  const mine = enter()
  const job = ++lastNumber
  return {
    update: (block, length) =>
      Promise.all(
        mine.map((thread) => ask(thread, { kind: 'update', job, block, length, ack: ++lastNumber })),
      ),
    digest: async () => {
      const parts = await Promise.all(
        mine.map((thread) => ask(thread, { kind: 'digest', job, ack: ++lastNumber })),
      )
      return Object.assign({}, ...parts)
    },
    close: () => {
      for (const { worker } of mine) worker.postMessage({ kind: 'forget', job } satisfies HashOrder)
      leave()
    },
  }
}

/** The SHA-256 in hex of a part of a block, which nobody may change meanwhile. */
export async function sha256OnThread(
  block: SharedArrayBuffer,
  from: number,
  length: number,
): Promise<string> {
  const [first] = enter()
  try {
    if (!first) throw new Error('there is no hashing thread')
    const { sha256 = '' } = await ask(first, { kind: 'whole', block, from, length, ack: ++lastNumber })
    return sha256
  } finally {
    leave()
  }
}

/** The threads, which stay until as many calls of `leave` have come, and somewhat longer. */
function enter(): readonly Thread[] {
  if (idle) clearTimeout(idle)
  users += 1
  if (threads.length === 0) threads = shares.map(startThread)
  return threads
}

function leave(): void {
  users -= 1
  if (users === 0) idle = setTimeout(endThreads, idleMs).unref()
}

function endThreads(): void {
  for (const { worker } of threads) void worker.terminate()
  threads = []
}

function startThread(algorithms: Algorithm[]): Thread {
  const worker = new Worker(new URL('./hash-worker.ts', import.meta.url), { workerData: algorithms })
  const waiting: Thread['waiting'] = new Map()
  worker.unref()
  worker.on('message', ({ ack, digests }: HashAnswer) => {
    waiting.get(ack)?.resolve(digests)
    waiting.delete(ack)
  })
  const fail = (error: Error) => {
    // The next upload starts new threads; the uploads under way fail.
    threads = threads.filter((thread) => thread.worker !== worker)
    if (threads.length < shares.length) endThreads()
    for (const { reject } of waiting.values()) reject(error)
    waiting.clear()
  }
  worker.on('error', fail).on('exit', () => fail(new Error('a hashing thread has ended')))
  return { worker, waiting }
}

function ask({ worker, waiting }: Thread, order: HashOrder & { ack: number }): Promise<Digests> {
  return new Promise((resolve, reject) => {
    waiting.set(order.ack, { resolve, reject })
    worker.postMessage(order)
  })
}
