import fs from 'node:fs'
import http from 'node:http'
import type { LocalHypervisorDriver } from '@stratolith/drivers/hypervisor/interface'
import type { LocalNetworkDriver } from '@stratolith/drivers/network/interface'
import type { Logger } from 'pino'
import { answer } from './answer.ts'
import { SourceLimits } from './limits.ts'
import { maxPasswordBytes } from './openstack.ts'
import { type Answer, nothing, type PasswordStore, plain, type Subject } from './reply.ts'
import { socketIn } from './sockets.ts'

export type MetadataDeps = {
  hypervisor: Pick<LocalHypervisorDriver, 'specOf'>
  network: Pick<LocalNetworkDriver, 'findPort' | 'portsOf' | 'metadataNamespaces' | 'onMetadataChange'>
  passwords: PasswordStore
  log: Logger
}

type Listener = { namespace: string; inode: bigint; server: http.Server }

/**
 * Serves 169.254.169.254:80 inside the namespace of every network with metadata. The receiving socket (which belongs
 * to a network) and the packet's source address, which the port's filter has proven, identify the asking guest;
 * nothing that the guest sends takes part. The service needs no control plane: the answers
 * come from the records of the drivers on disk.
 */
export class MetadataService {
  readonly #deps: MetadataDeps
  readonly #listeners = new Map<string, Listener>()
  #syncing: Promise<void> | null = null
  #again = false
  #stop: () => void = () => undefined
  #stopped = false

  constructor(deps: MetadataDeps) {
    this.#deps = deps
  }

  /** Listens in every network that needs the service, now and after every change; repairs listeners every few seconds. */
  async start(): Promise<void> {
    const unsubscribe = this.#deps.network.onMetadataChange(() => void this.sync())
    const timer = setInterval(() => void this.sync(), 5_000)
    this.#stop = () => {
      unsubscribe()
      clearInterval(timer)
    }
    await this.sync()
  }

  get networks(): string[] {
    return [...this.#listeners.keys()]
  }

  /** Makes the listeners match the networks of the network driver. Never rejects. */
  async sync(): Promise<void> {
    if (this.#syncing) {
      this.#again = true
      return this.#syncing
    }
    this.#syncing = this.#converge()
    await this.#syncing
    this.#syncing = null
  }

  async #converge(): Promise<void> {
    do {
      this.#again = false
      const wanted = new Map(this.#deps.network.metadataNamespaces().map((n) => [n.networkId, n.namespace]))
      for (const [networkId, listener] of this.#listeners)
        if (wanted.get(networkId) !== listener.namespace || inodeOf(listener.namespace) !== listener.inode)
          this.#close(networkId, listener)
      for (const [networkId, namespace] of wanted)
        if (!this.#stopped && !this.#listeners.has(networkId)) await this.#open(networkId, namespace)
    } while (this.#again && !this.#stopped)
  }

  async #open(networkId: string, namespace: string): Promise<void> {
    const { log } = this.#deps
    // A namespace that is made again under its old name is another namespace, which its inode number shows.
    const inode = inodeOf(namespace)
    if (inode === null) return
    try {
      const socket = await socketIn(namespace, '169.254.169.254', 80)
      const server = metadataServer(networkId, this.#deps)
      await new Promise<void>((resolve) => server.listen(socket, resolve))
      if (this.#stopped) server.close()
      else this.#listeners.set(networkId, { namespace, inode, server })
      log.info({ networkId, namespace }, 'metadata is served')
    } catch (error) {
      log.warn({ err: error, networkId, namespace }, 'metadata is not served yet, trying again')
    }
  }

  #close(networkId: string, listener: Listener): void {
    this.#listeners.delete(networkId)
    listener.server.close()
    listener.server.closeAllConnections()
    this.#deps.log.info({ networkId, namespace: listener.namespace }, 'metadata is not served any more')
  }

  async stop(): Promise<void> {
    this.#stopped = true
    this.#stop()
    await this.#syncing
    for (const [networkId, listener] of this.#listeners) this.#close(networkId, listener)
  }
}

function inodeOf(namespace: string): bigint | null {
  return fs.statSync(`/run/netns/${namespace}`, { bigint: true, throwIfNoEntry: false })?.ino ?? null
}

/** Makes the HTTP server of one network, not yet listening. Everything about the server is bounded (R6). */
export function metadataServer(
  networkId: string,
  deps: MetadataDeps,
  limits = new SourceLimits(),
): http.Server {
  const server = http.createServer({
    maxHeaderSize: 8_192,
    headersTimeout: 5_000,
    requestTimeout: 10_000,
    keepAliveTimeout: 5_000,
    connectionsCheckingInterval: 2_000,
  })
  server.maxConnections = 1_024
  server.maxRequestsPerSocket = 100
  server.timeout = 15_000
  server.prependListener('connection', (socket) => {
    const source = sourceOf(socket.remoteAddress)
    if (!limits.opened(source)) {
      socket.destroy()
      return
    }
    socket.once('close', () => limits.closed(source))
  })
  server.on('request', (request, response) => {
    const source = sourceOf(request.socket.remoteAddress)
    const reply = limits.asked(source) ? respond(networkId, source, request, deps) : plain('Slow down.', 429)
    Promise.resolve(reply)
      .catch((error: unknown) => {
        deps.log.error({ err: error, networkId, source }, 'metadata could not be read')
        return plain('', 500)
      })
      .then((given) => send(request, response, given))
      .catch((error: unknown) => {
        deps.log.debug({ err: error, networkId, source }, 'guest went away')
        request.socket.destroy()
      })
  })
  return server
}

async function respond(
  networkId: string,
  source: string,
  request: http.IncomingMessage,
  deps: MetadataDeps,
): Promise<Answer> {
  const subject = await subjectOf(networkId, source, deps)
  if (!subject) return nothing
  const question = {
    method: request.method ?? '',
    path: request.url ?? '',
    body: request.method === 'POST' ? await firstBytes(request, maxPasswordBytes + 1) : Buffer.alloc(0),
  }
  return answer(question, subject, deps.passwords, new Date().toISOString().slice(0, 10))
}

/** Looks the guest up anew for each request and caches nothing by address, because addresses are used again. */
async function subjectOf(networkId: string, source: string, deps: MetadataDeps): Promise<Subject | null> {
  const port = deps.network.findPort(networkId, source)
  if (!port) return null
  const spec = await deps.hypervisor.specOf(port.instanceId)
  return spec ? { spec, ports: deps.network.portsOf(port.instanceId) } : null
}

async function firstBytes(request: http.IncomingMessage, limit: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    chunks.push(chunk as Buffer)
    size += (chunk as Buffer).length
    if (size >= limit) break
  }
  return Buffer.concat(chunks).subarray(0, limit)
}

function send(request: http.IncomingMessage, response: http.ServerResponse, given: Answer): void {
  // A body that nobody reads must not keep the connection.
  if (!request.complete || given.status === 429) response.setHeader('connection', 'close')
  if (given.status === 405) response.setHeader('allow', 'GET')
  response.writeHead(given.status, { 'content-type': given.type, 'content-length': given.body.length })
  response.end(given.body)
}

const sourceOf = (address: string | undefined): string => (address ?? '').replace(/^::ffff:/, '')
