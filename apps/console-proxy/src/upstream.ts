import http from 'node:http'
import type { Duplex } from 'node:stream'
import { type Grant, Refused } from './redeem.ts'

/** Raised when the machine or its agent is off; it may come back. */
export class NoAnswer extends Error {}

/**
 * Opens the guest's console at its agent, by an HTTP upgrade on the agent's unix socket. So the stream belongs to the
 * process of that very guest, and never to another one that has its port by now (A06). Throws Refused when the
 * agent does not open the console, NoAnswer when the agent is silent for `timeoutMs` or absent.
 */
export function openUpstream(grant: Grant, timeoutMs = 5_000): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const request = http.request({
      socketPath: grant.agentSocket,
      path: grant.path,
      headers: {
        connection: 'Upgrade',
        upgrade: 'stratolith-console',
        ...(grant.protocol === null ? {} : { 'stratolith-protocol': grant.protocol }),
      },
      timeout: timeoutMs,
      maxHeaderSize: 8_192,
    })
    const fail = (error: Error) => {
      request.destroy()
      reject(error)
    }
    request.on('upgrade', (_response, socket, head) => {
      socket.setTimeout(0)
      if (head.length > 0) socket.unshift(head)
      resolve(socket)
    })
    request.on('response', (response) =>
      fail(new Refused(502, `The agent answered ${response.statusCode ?? 0}.`)),
    )
    request.on('timeout', () => fail(new NoAnswer('The agent does not answer.')))
    request.on('error', (error) => fail(new NoAnswer(`The agent cannot be reached: ${error.message}`)))
    request.end()
  })
}
