import type { ServerResponse } from 'node:http'
import type { HypervisorEvent } from '@stratolith/drivers/hypervisor/interface'
import { backgroundOp } from '@stratolith/drivers/op'
import { aliveEveryMs, toWireError, type WireEvent } from '@stratolith/drivers/remote/protocol'
import type { Service } from './serve.ts'

/** A reader with so many unread bytes is disconnected; it connects again and gets the present state. */
const maxBacklogBytes = 4 * 1024 * 1024

/**
 * Writes the state of every guest, then each change. Subscribing comes first, and changes are held back
 * until the state is written, so that no change is lost between the two or comes before the state.
 */
export async function streamEvents({ drivers, log }: Service, response: ServerResponse): Promise<void> {
  response.writeHead(200, { 'content-type': 'application/x-ndjson' })
  response.flushHeaders()
  const write = (line: WireEvent) => {
    if (response.destroyed) return
    response.write(`${JSON.stringify(line)}\n`)
    if (response.writableLength > maxBacklogBytes) response.destroy()
  }
  const held: HypervisorEvent[] = []
  let tell = (event: HypervisorEvent): void => {
    held.push(event)
  }
  const unsubscribe = drivers.hypervisor.subscribe((event) => tell(event))
  const alive = setInterval(() => write({ alive: true }), aliveEveryMs)
  response.once('close', () => {
    unsubscribe()
    clearInterval(alive)
  })
  try {
    const guests = await drivers.hypervisor.list(backgroundOp(log, 'events'))
    const at = new Date().toISOString()
    write({ snapshot: guests.map(({ id, power, reason }) => ({ instanceId: id, power, reason, at })) })
    for (const event of held) write({ event })
    tell = (event) => write({ event })
  } catch (error) {
    log.error({ err: error }, 'the state of the guests could not be read')
    write({ error: toWireError(error) })
    response.end()
  }
}
