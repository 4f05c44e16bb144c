import type { z } from 'zod'
import type { BackupDriver } from '../backups/interface.ts'
import { withoutDefaults } from '../defaults.ts'
import type { HostDocument, Receipt } from '../documents/interface.ts'
import { DriverError } from '../errors.ts'
import type {
  HostCapabilities,
  HostDrivers,
  RemoteHypervisor,
  RemoteNetwork,
  RemoteStorage,
} from '../host.ts'
import type { ConsoleFacet } from '../hypervisor/interface.ts'
import type { Op } from '../op.ts'
import type { VolumeDriver } from '../volumes/interface.ts'
import { assumed, capabilities, wireLine } from './answers.ts'
import { checkedReceipts, needOfDocument, sentDocument, tellable } from './documents.ts'
import { EventStream } from './events.ts'
import {
  type ArgsOf,
  type CloudMark,
  consoleUpgrade,
  fromWireError,
  type MethodName,
  maxRequestBytes,
  methods,
  type ResultOf,
} from './protocol.ts'
import { type FieldsSince, fieldsSince, needOf, newest, tooNewFor } from './since.ts'
import { type AgentConnection, ask, lines, unixConnection, upgrade } from './transport.ts'
import { commonVersion, type Versions } from './versions.ts'

/** The drivers of a host behind its agent. The connection is made at the first call and kept. */
export type RemoteHost = HostDrivers & {
  /**
   * Fetches the capabilities, which are a plain property of the interface. The hypervisor's `probe` and every report
   * fetch them, too (and a host reports when it is registered). Until then the properties have the capabilities of
   * our own drivers, and the agent refuses a call that its host does not support.
   */
  refreshCapabilities(): Promise<void>
  /** The newest version of the protocol that both sides speak, by the agent's last answer; null before the first answer. */
  readonly commonVersion: number | null
  close(): void
}

export type RemoteOptions = {
  /** Called when the event stream breaks (it connects again) or a listener throws. */
  onTrouble?: (error: Error) => void
  /**
   * Returns the cloud in whose name calls change something. `fresh`: read the mark again, because the host has refused
   * the known one. Without this function the host answers only calls that change nothing.
   */
  cloud?: (fresh: boolean) => Promise<CloudMark>
  /** Only for tests, which invent fields. */
  since?: FieldsSince
}

/** `endpoint` is "unix:/path/to/agent.sock". Raises `unsupported` for any other kind. */
export function connectAgent(endpoint: string, options: RemoteOptions = {}): RemoteHost {
  if (!endpoint.startsWith('unix:/'))
    throw new DriverError('unsupported', `An agent's endpoint is unix:/path, not ${endpoint}.`)
  return remoteHost(unixConnection(endpoint.slice('unix:'.length)), options)
}

export function remoteHost(connection: AgentConnection, options: RemoteOptions = {}): RemoteHost {
  const known = { ...assumed }
  const events = new EventStream(connection, options.onTrouble ?? (() => undefined))
  const { since = fieldsSince } = options
  const call = caller(connection, options.cloud, since)
  const refreshCapabilities = async (signal?: AbortSignal) => {
    const response = await ask(connection, { method: 'GET', path: '/v1/capabilities', signal })
    for await (const line of lines(connection, response))
      Object.assign(known, answered(connection, '/v1/capabilities', capabilities, line))
  }
  const probing = async (op: Op) => refreshCapabilities(op.signal)
  return {
    hypervisor: remoteHypervisor(call, connection, events, known, probing),
    network: remoteNetwork(call, known),
    storage: remoteStorage(call, known),
    volumes: remoteVolumes(call),
    backups: remoteBackups(call),
    documents: {
      apply: (op, documents) => applyTellable(connection, call, op, documents, since),
      list: (op, kind) => call('documents/list', op, kind),
    },
    async report(op) {
      const report = await call('host/report', op)
      Object.assign(known, report.capabilities)
      return report
    },
    refreshCapabilities,
    get commonVersion() {
      return connection.peer ? commonVersion(connection.peer) : null
    },
    close() {
      events.close()
      connection.options.agent.destroy()
    },
  }
}

type Call = <N extends MethodName>(name: N, op: Op, ...args: ArgsOf<N>) => Promise<ResultOf<N>>
type Probing = (op: Op) => Promise<void>

function caller(connection: AgentConnection, cloud: RemoteOptions['cloud'], since: FieldsSince): Call {
  return async <N extends MethodName>(name: N, op: Op, ...args: ArgsOf<N>): Promise<ResultOf<N>> => {
    const mark = methods[name].changes ? await cloud?.(false) : undefined
    try {
      return await send(connection, mark, since, name, op, args)
    } catch (error) {
      if (!cloud || !(error instanceof DriverError && error.code === 'foreign')) throw error
      // Another process of this cloud was started since, and the host already knows the newer mark.
      const now = await cloud(true)
      if (now.epoch === mark?.epoch && now.token === mark.token) throw error
      return send(connection, now, since, name, op, args)
    }
  }
}

/** Sends documents to the agent, except those of which the agent would ignore a part: their receipt says what to upgrade. */
async function applyTellable(
  connection: AgentConnection,
  call: Call,
  op: Op,
  documents: readonly HostDocument[],
  since: FieldsSince,
): Promise<Receipt[]> {
  const needs = new Map(documents.map((one) => [one, needOfDocument(one, since)]))
  const peer = newest([...needs.values()]) && (await peerOf(connection, op))
  const { told, refused } = tellable(
    documents,
    (one) => peer && tooNewFor(peer, needs.get(one) ?? null, connection.name),
  )
  if (told.length === 0) return refused
  return [...refused, ...checkedReceipts(told, await call('documents/apply', op, told))]
}

/** The versions that the agent speaks; asks the agent when it has not answered yet. */
async function peerOf(connection: AgentConnection, op: Op): Promise<Versions | null> {
  if (!connection.peer)
    (await ask(connection, { method: 'GET', path: '/v1/capabilities', signal: op.signal })).resume()
  return connection.peer ?? null
}

/** A call's arguments as they are sent, and the protocol version that they need. */
function told(name: MethodName, args: readonly unknown[], since: FieldsSince) {
  if (name === 'documents/apply') {
    const documents = args[0] as readonly HostDocument[]
    return {
      args: [documents.map(sentDocument)],
      need: newest(documents.map((one) => needOfDocument(one, since))),
    }
  }
  const sent = withoutDefaults(methods[name].args, args)
  return { args: sent, need: needOf(name, sent[0], since) }
}

async function send<N extends MethodName>(
  connection: AgentConnection,
  cloud: CloudMark | undefined,
  since: FieldsSince,
  name: N,
  op: Op,
  args: ArgsOf<N>,
): Promise<ResultOf<N>> {
  const { args: sent, need } = told(name, args, since)
  const peer = need && (await peerOf(connection, op))
  const tooNew = peer && tooNewFor(peer, need, connection.name)
  if (tooNew) throw tooNew
  const body = JSON.stringify({ op: { id: op.id, cloud }, args: sent })
  // Checked here, because an agent that stops reading closes the connection before its answer is read.
  if (Buffer.byteLength(body) > maxRequestBytes)
    throw new DriverError('invalid', `${name}: the call is larger than ${maxRequestBytes} bytes.`)
  const response = await ask(connection, {
    method: 'POST',
    path: `/v1/call/${name}`,
    body,
    signal: op.signal,
    // An older agent may have been started meanwhile; it refuses the call by this version.
    since: need?.version,
  })
  // The answer is read to its end, so that the connection can be used again.
  let end: z.output<typeof wireLine> = {}
  for await (const said of lines(connection, response)) {
    const line = answered(connection, name, wireLine, said)
    if (line.progress !== undefined) op.progress(line.progress)
    if (line.error || line.result !== undefined) end = line
  }
  if (end.error) throw fromWireError(end.error)
  if (end.result === undefined)
    throw new DriverError('unavailable', `The agent at ${connection.name} broke off its answer to ${name}.`)
  return answered(connection, name, methods[name].answer as z.ZodType<ResultOf<N>>, end.result)
}

/** Parses an answer of the agent; raises `failed` when it is malformed. Unknown fields are left out. */
function answered<T>(connection: AgentConnection, what: string, schema: z.ZodType<T>, said: unknown): T {
  const { data, error } = schema.safeParse(said)
  if (!error) return data
  const [issue] = error.issues
  throw new DriverError(
    'failed',
    `The agent at ${connection.name} gave a malformed answer to ${what}: ${issue?.path.join('.') || 'it'}: ${issue?.message.slice(0, 500)}.`,
  )
}

function remoteHypervisor(
  call: Call,
  connection: AgentConnection,
  events: EventStream,
  known: HostCapabilities,
  probing: Probing,
): RemoteHypervisor {
  const console: ConsoleFacet = {
    open: (op, id, protocol) =>
      upgrade(connection, `/v1/console/${encodeURIComponent(id)}/${protocol}`, consoleUpgrade, op.signal),
    log: (op, id, options) => call('console/log', op, id, options),
    screenshot: async (op, id) => Buffer.from(await call('console/screenshot', op, id), 'base64'),
  }
  return {
    get capabilities() {
      return known.hypervisor
    },
    async probe(op) {
      await probing(op)
      return call('hypervisor/probe', op)
    },
    list: (op) => call('hypervisor/list', op),
    get: (op, id) => call('hypervisor/get', op, id),
    describe: (op, id) => call('hypervisor/describe', op, id),
    ensure: (op, spec) => call('hypervisor/ensure', op, spec),
    remove: (op, id) => call('hypervisor/remove', op, id),
    start: (op, id) => call('hypervisor/start', op, id),
    pressButton: (op, id) => call('hypervisor/pressButton', op, id),
    stop: (op, id) => call('hypervisor/stop', op, id),
    reboot: (op, id) => call('hypervisor/reboot', op, id),
    pause: (op, id) => call('hypervisor/pause', op, id),
    unpause: (op, id) => call('hypervisor/unpause', op, id),
    diagnostics: (op, id) => call('hypervisor/diagnostics', op, id),
    password: (op, id) => call('hypervisor/password', op, id),
    clearPassword: (op, id) => call('hypervisor/clearPassword', op, id),
    subscribe: (listener) => events.subscribe(listener),
    console,
    backup: {
      copyDisk: (op, id, diskId) => call('backup/copyDisk', op, id, diskId),
      dropCopy: (op, id, diskId) => call('backup/dropCopy', op, id, diskId),
    },
  }
}

function remoteNetwork(call: Call, known: HostCapabilities): RemoteNetwork {
  return {
    get capabilities() {
      return known.network
    },
    list: (op) => call('network/list', op),
    describePorts: (op, instanceId) => call('network/describePorts', op, instanceId),
    ensureNetwork: (op, spec) => call('network/ensureNetwork', op, spec),
    removeNetwork: (op, id) => call('network/removeNetwork', op, id),
    ensurePort: (op, spec) => call('network/ensurePort', op, spec),
    removePort: (op, id) => call('network/removePort', op, id),
    removeRouter: (op, id) => call('network/removeRouter', op, id),
    removeAddressSet: (op, id) => call('network/removeAddressSet', op, id),
  }
}

function remoteStorage(call: Call, known: HostCapabilities): RemoteStorage {
  return {
    get capabilities() {
      return known.storage
    },
    removeDisk: (op, id) => call('storage/removeDisk', op, id),
    listDisks: (op) => call('storage/listDisks', op),
    trash: {
      put: (op, id) => call('storage/trash/put', op, id),
      list: (op) => call('storage/trash/list', op),
      takeBack: (op, id) => call('storage/trash/takeBack', op, id),
      keepGuest: (op, guest) => call('storage/trash/keepGuest', op, guest),
      dropGuest: (op, id) => call('storage/trash/dropGuest', op, id),
      empty: (op, options) => call('storage/trash/empty', op, options),
    },
    ensureBase: (op, spec) => call('storage/ensureBase', op, spec),
    removeBase: (op, id) => call('storage/removeBase', op, id),
    listBases: (op) => call('storage/listBases', op),
  }
}

function remoteVolumes(call: Call): VolumeDriver {
  return {
    probePool: (op, pool) => call('volumes/probePool', op, pool),
    makePool: (op, pool) => call('volumes/makePool', op, pool),
    removePool: (op, pool) => call('volumes/removePool', op, pool),
    copyVolume: (op, spec) => call('volumes/copyVolume', op, spec),
    moveInUse: (op, spec) => call('volumes/moveInUse', op, spec),
    endMove: (op, spec) => call('volumes/endMove', op, spec),
    disown: (op, spec) => call('volumes/disown', op, spec),
    listVolumes: (op, pool) => call('volumes/listVolumes', op, pool),
    ensureVolume: (op, spec) => call('volumes/ensureVolume', op, spec),
    giveKeys: (op, spec) => call('volumes/giveKeys', op, spec),
    keepKeys: (op, spec) => call('volumes/keepKeys', op, spec),
    growVolume: (op, size) => call('volumes/growVolume', op, size),
    removeVolume: (op, key) => call('volumes/removeVolume', op, key),
    ensureSnapshot: (op, spec) => call('volumes/ensureSnapshot', op, spec),
    ensureSnapshots: (op, spec) => call('volumes/ensureSnapshots', op, spec),
    removeSnapshot: (op, key) => call('volumes/removeSnapshot', op, key),
    revertVolume: (op, spec) => call('volumes/revertVolume', op, spec),
    mergeLayers: (op, key) => call('volumes/mergeLayers', op, key),
    reimageVolume: (op, spec) => call('volumes/reimageVolume', op, spec),
    exportVolume: (op, spec) => call('volumes/exportVolume', op, spec),
    removeExport: (op, key) => call('volumes/removeExport', op, key),
    listSnapshots: (op, pool) => call('volumes/listSnapshots', op, pool),
  }
}

function remoteBackups(call: Call): BackupDriver {
  return {
    probeStore: (op, store) => call('backups/probeStore', op, store),
    proveStore: (op, proof) => call('backups/proveStore', op, proof),
    ensureBackup: (op, spec) => call('backups/ensureBackup', op, spec),
    removeBackup: (op, key) => call('backups/removeBackup', op, key),
    getBackup: (op, key) => call('backups/getBackup', op, key),
    listBackups: (op, store) => call('backups/listBackups', op, store),
    keepRecord: (op, spec) => call('backups/keepRecord', op, spec),
    readRecord: (op, key) => call('backups/readRecord', op, key),
    restoreBackup: (op, spec) => call('backups/restoreBackup', op, spec),
  }
}
