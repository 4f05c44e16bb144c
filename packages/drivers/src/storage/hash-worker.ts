import crypto, { type Hash } from 'node:crypto'
import { parentPort, workerData } from 'node:worker_threads'
import type { Algorithm, HashAnswer, HashOrder } from './hash-protocol.ts'

/** A thread that hashes the blocks that hash-threads.ts sends; `workerData` are its algorithms. */
const algorithms = workerData as Algorithm[]
const jobs = new Map<number, { algorithm: Algorithm; hash: Hash }[]>()

parentPort?.on('message', (order: HashOrder) => {
  if (order.kind === 'forget') return void jobs.delete(order.job)
  if (order.kind === 'whole') {
    const bytes = new Uint8Array(order.block, order.from, order.length)
    const digests = Object.fromEntries(algorithms.map((name) => [name, crypto.hash(name, bytes)]))
    return void parentPort?.postMessage({ ack: order.ack, digests } satisfies HashAnswer)
  }
  const hashes =
    jobs.get(order.job) ?? algorithms.map((algorithm) => ({ algorithm, hash: crypto.createHash(algorithm) }))
  jobs.set(order.job, hashes)
  const answer: HashAnswer = { ack: order.ack, digests: {} }
  if (order.kind === 'update')
    for (const { hash } of hashes) hash.update(new Uint8Array(order.block, 0, order.length))
  else {
    for (const { algorithm, hash } of hashes) answer.digests[algorithm] = hash.digest('hex')
    jobs.delete(order.job)
  }
  parentPort?.postMessage(answer)
})
