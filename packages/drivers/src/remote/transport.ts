import http from 'node:http'
import type { Duplex } from 'node:stream'
import { DriverError } from '../errors.ts'
import { wireLine } from './answers.ts'
import { fromWireError, maxLineBytes, silenceMs } from './protocol.ts'
import { checkVersions, spoken, type Versions, versionHeader, versionText } from './versions.ts'

/**
 * The way to an agent. A unix socket is `{ socketPath }`; mutual TLS would be node:https's request
 * with host, port, ca, cert, key and an https.Agent. Nothing else in this folder depends on the transport.
 */
export type AgentConnection = {
  /** The agent's address, for messages. */
  name: string
  request: typeof http.request
  options: http.RequestOptions & { agent: http.Agent }
  /** The versions that the agent spoke at its last answer; the agent may be upgraded meanwhile. */
  peer?: Versions
}

export function unixConnection(socketPath: string): AgentConnection {
  return {
    name: socketPath,
    request: http.request,
    options: { socketPath, host: 'localhost', agent: new http.Agent({ keepAlive: true, maxSockets: 256 }) },
  }
}

type Ask = {
  method: 'GET' | 'POST'
  path: string
  body?: string
  signal?: AbortSignal
  /** The oldest version of the protocol that has all fields of the request: an older agent refuses it. */
  since?: number
}

/**
 * Sends one request and returns the head of the answer. Every failure is a DriverError: `unavailable` when the
 * agent cannot be reached, dies or is silent for too long, otherwise the error that the agent has returned.
 */
export async function ask(connection: AgentConnection, request: Ask): Promise<http.IncomingMessage> {
  const response = await send(connection, request).catch((error: unknown) => {
    // A restarted agent may have closed a kept-alive socket. Every call is idempotent, so it is sent again.
    if (error instanceof StaleSocket) return send(connection, request)
    throw error
  })
  try {
    connection.peer = checkVersions('agent', response.headers[versionHeader], connection.name)
  } catch (error) {
    response.destroy()
    throw error
  }
  if (response.statusCode === 200) return response
  throw await refusal(connection, response)
}

class StaleSocket extends DriverError {}

function send(
  connection: AgentConnection,
  { method, path, body, signal, since = spoken.oldest }: Ask,
): Promise<http.IncomingMessage> {
  return new Promise((resolve, reject) => {
    const request = connection.request({
      ...connection.options,
      method,
      path,
      signal,
      headers: {
        [versionHeader]: versionText({ ...spoken, oldest: Math.max(spoken.oldest, since) }),
        ...(body === undefined
          ? {}
          : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }),
      },
    })
    request.setTimeout(silenceMs, () => request.destroy(new Error(`silent for ${silenceMs / 1000} s`)))
    request.on('response', resolve)
    request.on('error', (error) => {
      const unreachable = unavailable(connection, error)
      const stale = request.reusedSocket && ['ECONNRESET', 'EPIPE'].includes(codeOf(error))
      reject(stale ? new StaleSocket('unavailable', unreachable.message, { cause: error }) : unreachable)
    })
    request.end(body)
  })
}

/** Asks for a byte stream instead of an answer. */
export function upgrade(
  connection: AgentConnection,
  path: string,
  protocol: string,
  signal: AbortSignal,
): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const request = connection.request({
      ...connection.options,
      agent: false,
      method: 'GET',
      path,
      headers: { connection: 'Upgrade', upgrade: protocol, [versionHeader]: versionText(spoken) },
    })
    // Only the opening can be cancelled: the stream outlives the operation that opened it.
    const cancel = () => request.destroy(new Error('cancelled'))
    if (signal.aborted) cancel()
    signal.addEventListener('abort', cancel, { once: true })
    const settled = () => {
      signal.removeEventListener('abort', cancel)
      request.setTimeout(0)
    }
    request.setTimeout(silenceMs, cancel)
    const ifSpoken = ({ headers }: http.IncomingMessage, socket: Duplex, goOn: () => void) => {
      settled()
      try {
        checkVersions('agent', headers[versionHeader], connection.name)
      } catch (error) {
        socket.destroy()
        return reject(error)
      }
      goOn()
    }
    request.on('upgrade', (response, socket, head) => {
      ifSpoken(response, socket, () => {
        if (head.length > 0) socket.unshift(head)
        resolve(socket)
      })
    })
    request.on('response', (response) => {
      ifSpoken(response, response.socket, () => {
        refusal(connection, response).then(reject, reject)
      })
    })
    request.on('error', (error) => {
      settled()
      reject(unavailable(connection, error))
    })
    request.end()
  })
}

/** Parses the NDJSON lines of an answer. Raises `unavailable` when the answer breaks off, `failed` for a line that is no JSON. */
export async function* lines(
  connection: AgentConnection,
  response: http.IncomingMessage,
): AsyncGenerator<unknown, void, undefined> {
  const decoder = new TextDecoder()
  // The pieces of a long line are kept apart, so that each piece is searched for the line's end only once.
  let pieces: string[] = []
  let length = 0
  try {
    for await (const chunk of response) {
      const [first = '', ...others] = decoder.decode(chunk as Buffer, { stream: true }).split('\n')
      pieces.push(first)
      length += first.length
      for (const next of others) {
        yield parsed(connection, pieces.join(''))
        pieces = [next]
        length = next.length
      }
      if (length > maxLineBytes) throw new Error('an answer without end')
    }
  } catch (error) {
    throw error instanceof DriverError ? error : unavailable(connection, error)
  }
}

/** Parses a line. The failure is `failed` and not `unavailable`, because the agent has answered. */
function parsed(connection: AgentConnection, line: string): unknown {
  try {
    return JSON.parse(line)
  } catch (cause) {
    throw new DriverError('failed', `The agent at ${connection.name} gave a malformed answer: no JSON.`, {
      cause,
    })
  }
}

async function refusal(connection: AgentConnection, response: http.IncomingMessage): Promise<DriverError> {
  let refused: DriverError | null = null
  for await (const line of lines(connection, response)) {
    const { data } = wireLine.safeParse(line)
    if (data?.error) refused = fromWireError(data.error)
  }
  return (
    refused ?? new DriverError('failed', `The agent at ${connection.name} answered ${response.statusCode}.`)
  )
}

const codeOf = (error: unknown): string => String((error as { code?: unknown } | null)?.code ?? '')

export function unavailable(connection: AgentConnection, error: unknown): DriverError {
  const why = codeOf(error) || (error instanceof Error ? error.message : String(error))
  return new DriverError('unavailable', `The agent at ${connection.name} does not answer (${why}).`, {
    cause: error,
  })
}
