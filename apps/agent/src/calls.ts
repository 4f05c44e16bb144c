import type { IncomingMessage, ServerResponse } from 'node:http'
import { DriverError } from '@stratolith/drivers/errors'
import type { Op } from '@stratolith/drivers/op'
import {
  aliveEveryMs,
  callEnvelope,
  checkCall,
  maxRequestBytes,
  toWireError,
  type WireLine,
} from '@stratolith/drivers/remote/protocol'
import type { Versions } from '@stratolith/drivers/remote/versions'
import type { Service } from './serve.ts'

/** Checks and runs one driver call; writes its progress and its result as lines. */
export async function answerCall(
  service: Service,
  name: string,
  request: IncomingMessage,
  response: ServerResponse,
  caller: Versions,
): Promise<void> {
  const envelope = callEnvelope.safeParse(await readJson(request))
  if (!envelope.success) throw new DriverError('invalid', 'A call is {op:{id, cloud}, args:[…]}.')
  const call = checkCall(name, envelope.data.args)
  if (call.changes) service.mayChange(envelope.data.op.cloud)
  const log = service.log.child({ op: envelope.data.op.id, call: name })
  // When the caller disconnects, the call is cancelled.
  const gone = new AbortController()
  response.once('close', () => gone.abort(new DriverError('unavailable', 'The caller went away.')))
  response.writeHead(200, { 'content-type': 'application/x-ndjson' })
  const write = (line: WireLine) => {
    if (!response.destroyed) response.write(`${JSON.stringify(line)}\n`)
  }
  const alive = setInterval(() => write({ alive: true }), aliveEveryMs)
  const op: Op = {
    id: envelope.data.op.id,
    signal: gone.signal,
    log,
    progress: (text) => write({ progress: text.slice(0, 500) }),
    callerSpeaks: caller.newest,
  }
  const startedAt = performance.now()
  const took = () => ({ ms: Math.round(performance.now() - startedAt) })
  try {
    const result = await call.run(service.drivers, op)
    if (call.changes) log.info(took(), 'done')
    write({ result: result ?? null })
  } catch (error) {
    log.warn({ err: error, ...took() }, 'failed')
    write({ error: toWireError(error) })
  } finally {
    clearInterval(alive)
    response.end()
  }
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request) {
    size += (chunk as Buffer).length
    if (size > maxRequestBytes) throw new DriverError('invalid', 'The call is too large.')
    chunks.push(chunk as Buffer)
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'))
  } catch (error) {
    throw new DriverError('invalid', 'The call is not JSON.', { cause: error })
  }
}
