import path from 'node:path'
import { z } from 'zod'
import { observedBackup, restoredVolume, storedBackup, storeSpace } from '../backups/observed.ts'
import {
  backupKey,
  backupRecord,
  backupRemoval,
  backupSpec,
  recordSpec,
  restoreSpec,
  storeProof,
  storeSpec,
  storeWord,
} from '../backups/spec.ts'
import { documentKinds } from '../documents/kinds.ts'
import { keptDocument, toldDocuments } from '../documents/spec.ts'
import { DriverError, driverErrorOf } from '../errors.ts'
import { generatedId } from '../fields.ts'
import type { Frozen } from '../frozen.ts'
import type { HostDrivers } from '../host.ts'
import type { BackupFacet, ConsoleFacet, HypervisorEvent } from '../hypervisor/interface.ts'
import {
  consoleLog,
  diskCopy,
  guestDiagnostics,
  hostFacts,
  observedInstance,
} from '../hypervisor/observed.ts'
import { instanceSpec, logOptions, recordedSpec } from '../hypervisor/spec.ts'
import { observedNetwork, observedPort, recordedPort } from '../network/observed.ts'
import { networkSpec, portSpec } from '../network/spec.ts'
import type { Op } from '../op.ts'
import type { TrashFacet } from '../storage/interface.ts'
import { observedDisk, trashedDisk } from '../storage/observed.ts'
import { baseSpec, emptyOptions, keptGuest } from '../storage/spec.ts'
import { observedExport, observedSnapshot, observedVolume, poolSpace } from '../volumes/observed.ts'
import {
  copySpec,
  disownSpec,
  exportKey,
  exportSpec,
  keptKeysSpec,
  keysSpec,
  poolSpec,
  reimageSpec,
  revertSpec,
  snapshotKey,
  snapshotSpec,
  snapshotsSpec,
  volumeKey,
  volumeSize,
  volumeSpec,
} from '../volumes/spec.ts'
import { nothing, report, type wireError } from './answers.ts'
import { applyChecked, refuseUnknowing } from './documents.ts'

/**
 * The protocol between the control plane and an agent (versions.ts has its versions). It is HTTP/1.1 over the agent's
 * unix socket (mutual TLS over TCP would need only other connect options):
 *
 *   POST /v1/call/<driver>/<method>  {op:{id, cloud}, args:[…]}  → NDJSON, one WireLine each: any number of
 *        progress and alive lines, then one result or error. Closing the request cancels the call.
 *   GET  /v1/capabilities            → HostCapabilities
 *   GET  /v1/events                  → NDJSON without end: a snapshot of every guest, then events and
 *        an alive line every few seconds. Nothing that happens after the snapshot is missing.
 *   GET  /v1/console/<id>/<vnc|serial>  Upgrade: stratolith-console → 101 and raw bytes both ways
 *   GET  /healthz                    → who the agent is and what it runs
 *
 * This door is for the api. A second door, for the console proxy, serves consoles alone.
 */
/** The socket of the console proxy's door, in the folder of the agent's socket. */
export const consoleDoorOf = (socketPath: string): string =>
  path.join(path.dirname(socketPath), 'console.sock')
export const consoleUpgrade = 'stratolith-console'
/** How often an answer that takes long gets an alive line, in ms. */
export const aliveEveryMs = 5_000
/** A peer that is silent for so long, in ms, counts as dead. */
export const silenceMs = 30_000
export const maxRequestBytes = 8 * 1024 * 1024
export const maxLineBytes = 32 * 1024 * 1024

export type WireError = z.output<typeof wireError>
/** The lines that the agent writes. */
export type WireLine = { progress: string } | { alive: true } | { result: unknown } | { error: WireError }
export type WireEvent =
  | { snapshot: readonly HypervisorEvent[] }
  | { event: HypervisorEvent }
  | { alive: true }
  | { error: WireError }

/** The cloud in whose name a call is made: its id, and the epoch of its database, which a later start or a restore raises. */
export const cloudMark = z.strictObject({
  id: z.uuid(),
  epoch: z.number().int().min(1),
  token: z.uuid(),
})
export type CloudMark = z.output<typeof cloudMark>

/** The body of a call. Without `cloud` the call may change nothing. */
export const callEnvelope = z.object({
  op: z.object({ id: z.string().min(1).max(128), cloud: cloudMark.optional() }),
  args: z.array(z.unknown()).max(4),
})

type Method<A extends unknown[], R> = {
  args: z.ZodType<A>
  /** The schema by which the control plane parses the answer. */
  answer: z.ZodType<R>
  /** True when the call changes something on the host (and gets a line in the log). */
  changes: boolean
  call(host: HostDrivers, op: Op, ...args: A): Promise<Frozen<R>>
}

/** The type of `call` comes from the answer's schema, so that the compiler checks what the driver returns. */
type Call<A extends unknown[], R> = NoInfer<Method<A, R>['call']>
const read = <A extends unknown[], R>(
  args: z.ZodType<A>,
  answer: z.ZodType<R>,
  call: Call<A, R>,
): Method<A, R> => ({ args, answer, changes: false, call })
const change = <A extends unknown[], R>(
  args: z.ZodType<A>,
  answer: z.ZodType<R>,
  call: Call<A, R>,
): Method<A, R> => ({ args, answer, changes: true, call })
const remove = (call: Call<[string], void>): Method<[string], void> => change(byId, nothing, call)

const none: z.ZodType<[]> = z.tuple([])
const byId: z.ZodType<[string]> = z.tuple([generatedId])

/** Returns the console facet; raises `unsupported` on a host without consoles. */
function consoleOf(host: HostDrivers): ConsoleFacet {
  if (!host.hypervisor.console) throw new DriverError('unsupported', 'This hypervisor has no consoles.')
  return host.hypervisor.console
}

function backupOf(host: HostDrivers): BackupFacet {
  if (!host.hypervisor.backup)
    throw new DriverError('unsupported', 'This hypervisor cannot copy disks that are in use.')
  return host.hypervisor.backup
}

function trashOf(host: HostDrivers): TrashFacet {
  if (!host.storage.trash) throw new DriverError('unsupported', 'This storage has no trash.')
  return host.storage.trash
}

/** All calls of the protocol: this is the agent's allow-list and the source of the client's types. */
export const methods = {
  'host/report': read(none, report, (h, op) => h.report(op)),
  'hypervisor/probe': read(none, hostFacts, (h, op) => h.hypervisor.probe(op)),
  'hypervisor/list': read(none, z.array(observedInstance), (h, op) => h.hypervisor.list(op)),
  'hypervisor/get': read(byId, observedInstance.nullable(), (h, op, id) => h.hypervisor.get(op, id)),
  'hypervisor/describe': read(byId, recordedSpec.nullable(), (h, op, id) => h.hypervisor.describe(op, id)),
  // The previous version restores guests by this call and by the network's ensure calls. The next version can drop them.
  'hypervisor/ensure': change(z.tuple([instanceSpec]), observedInstance, async (h, op, spec) => {
    await refuseUnknowing(op, spec.id, (id) => h.hypervisor.describe(op, id))
    return h.hypervisor.ensure(op, spec)
  }),
  'hypervisor/remove': remove((h, op, id) => h.hypervisor.remove(op, id)),
  'hypervisor/start': change(byId, observedInstance, (h, op, id) => h.hypervisor.start(op, id)),
  'hypervisor/pressButton': change(byId, observedInstance, (h, op, id) => h.hypervisor.pressButton(op, id)),
  'hypervisor/stop': change(byId, observedInstance, (h, op, id) => h.hypervisor.stop(op, id)),
  'hypervisor/reboot': change(byId, observedInstance, (h, op, id) => h.hypervisor.reboot(op, id)),
  'hypervisor/pause': change(byId, observedInstance, (h, op, id) => h.hypervisor.pause(op, id)),
  'hypervisor/unpause': change(byId, observedInstance, (h, op, id) => h.hypervisor.unpause(op, id)),
  'hypervisor/diagnostics': read(byId, guestDiagnostics, (h, op, id) => h.hypervisor.diagnostics(op, id)),
  'hypervisor/password': read(byId, z.string().max(65_536), (h, op, id) => h.hypervisor.password(op, id)),
  'hypervisor/clearPassword': remove((h, op, id) => h.hypervisor.clearPassword(op, id)),
  // These calls count as reading, because they change nothing that the cloud knows of.
  'backup/copyDisk': read(z.tuple([generatedId, generatedId]), diskCopy, async (h, op, id, diskId) =>
    backupOf(h).copyDisk(op, id, diskId),
  ),
  'backup/dropCopy': read(z.tuple([generatedId, generatedId]), nothing, async (h, op, id, diskId) =>
    backupOf(h).dropCopy(op, id, diskId),
  ),
  'console/log': read(z.tuple([generatedId, logOptions]), consoleLog, async (h, op, id, options) =>
    consoleOf(h).log(op, id, options),
  ),
  /** The answer is a PNG in base64. */
  'console/screenshot': read(byId, z.base64(), async (h, op, id) =>
    (await consoleOf(h).screenshot(op, id)).toString('base64'),
  ),
  'network/list': read(none, observedNetwork, (h, op) => h.network.list(op)),
  'network/describePorts': read(byId, z.array(recordedPort), (h, op, id) => h.network.describePorts(op, id)),
  'network/ensureNetwork': change(z.tuple([networkSpec]), nothing, (h, op, spec) =>
    h.network.ensureNetwork(op, spec),
  ),
  'network/removeNetwork': remove((h, op, id) => h.network.removeNetwork(op, id)),
  'network/ensurePort': change(z.tuple([portSpec]), observedPort, (h, op, spec) =>
    h.network.ensurePort(op, spec),
  ),
  'network/removePort': remove((h, op, id) => h.network.removePort(op, id)),
  'network/removeRouter': remove((h, op, id) => h.network.removeRouter(op, id)),
  'network/removeAddressSet': remove((h, op, id) => h.network.removeAddressSet(op, id)),
  'documents/apply': change(z.tuple([toldDocuments]), z.array(z.unknown()), (h, op, documents) =>
    applyChecked(h.documents, op, documents, (id) => h.hypervisor.describe(op, id)),
  ),
  'documents/list': read(z.tuple([z.enum(documentKinds)]), z.array(keptDocument), (h, op, kind) =>
    h.documents.list(op, kind),
  ),
  'storage/removeDisk': remove((h, op, id) => h.storage.removeDisk(op, id)),
  'storage/listDisks': read(none, z.array(observedDisk), (h, op) => h.storage.listDisks(op)),
  'storage/trash/put': remove((h, op, id) => trashOf(h).put(op, id)),
  'storage/trash/list': read(none, z.array(trashedDisk), async (h, op) => trashOf(h).list(op)),
  'storage/trash/takeBack': change(byId, keptGuest.nullable(), async (h, op, id) =>
    trashOf(h).takeBack(op, id),
  ),
  'storage/trash/keepGuest': change(z.tuple([keptGuest]), nothing, async (h, op, guest) =>
    trashOf(h).keepGuest(op, guest),
  ),
  'storage/trash/dropGuest': remove(async (h, op, id) => trashOf(h).dropGuest(op, id)),
  'storage/trash/empty': change(z.tuple([emptyOptions]), z.array(generatedId), async (h, op, options) =>
    trashOf(h).empty(op, options),
  ),
  'volumes/probePool': read(z.tuple([poolSpec]), poolSpace, (h, op, pool) => h.volumes.probePool(op, pool)),
  'volumes/makePool': change(z.tuple([poolSpec]), poolSpace, (h, op, pool) => h.volumes.makePool(op, pool)),
  'volumes/removePool': change(z.tuple([poolSpec]), nothing, (h, op, pool) => h.volumes.removePool(op, pool)),
  'volumes/copyVolume': change(z.tuple([copySpec]), observedVolume, (h, op, spec) =>
    h.volumes.copyVolume(op, spec),
  ),
  'volumes/moveInUse': change(z.tuple([copySpec]), observedVolume, (h, op, spec) =>
    h.volumes.moveInUse(op, spec),
  ),
  'volumes/endMove': change(z.tuple([copySpec]), z.boolean(), (h, op, spec) => h.volumes.endMove(op, spec)),
  'volumes/disown': change(z.tuple([disownSpec]), nothing, (h, op, spec) => h.volumes.disown(op, spec)),
  'volumes/listVolumes': read(z.tuple([poolSpec]), z.array(observedVolume), (h, op, pool) =>
    h.volumes.listVolumes(op, pool),
  ),
  'volumes/ensureVolume': change(z.tuple([volumeSpec]), observedVolume.nullable(), (h, op, spec) =>
    h.volumes.ensureVolume(op, spec),
  ),
  'volumes/giveKeys': change(z.tuple([keysSpec]), nothing, (h, op, spec) => h.volumes.giveKeys(op, spec)),
  'volumes/keepKeys': change(z.tuple([keptKeysSpec]), z.array(generatedId), (h, op, spec) =>
    h.volumes.keepKeys(op, spec),
  ),
  'volumes/growVolume': change(z.tuple([volumeSize]), observedVolume, (h, op, size) =>
    h.volumes.growVolume(op, size),
  ),
  'volumes/removeVolume': change(z.tuple([volumeKey]), nothing, (h, op, key) =>
    h.volumes.removeVolume(op, key),
  ),
  'volumes/listSnapshots': read(z.tuple([poolSpec]), z.array(observedSnapshot), (h, op, pool) =>
    h.volumes.listSnapshots(op, pool),
  ),
  'volumes/ensureSnapshot': change(z.tuple([snapshotSpec]), observedSnapshot, (h, op, spec) =>
    h.volumes.ensureSnapshot(op, spec),
  ),
  'volumes/ensureSnapshots': change(z.tuple([snapshotsSpec]), z.array(observedSnapshot), (h, op, spec) =>
    h.volumes.ensureSnapshots(op, spec),
  ),
  'volumes/removeSnapshot': change(z.tuple([snapshotKey]), nothing, (h, op, key) =>
    h.volumes.removeSnapshot(op, key),
  ),
  'volumes/mergeLayers': change(z.tuple([volumeKey]), observedVolume, (h, op, key) =>
    h.volumes.mergeLayers(op, key),
  ),
  'volumes/revertVolume': change(z.tuple([revertSpec]), observedVolume.nullable(), (h, op, spec) =>
    h.volumes.revertVolume(op, spec),
  ),
  'backups/probeStore': read(z.tuple([storeSpec]), storeSpace, (h, op, store) =>
    h.backups.probeStore(op, store),
  ),
  'backups/proveStore': change(z.tuple([storeProof]), z.array(storeWord), (h, op, proof) =>
    h.backups.proveStore(op, proof),
  ),
  'backups/getBackup': read(z.tuple([backupKey]), observedBackup.nullable(), (h, op, key) =>
    h.backups.getBackup(op, key),
  ),
  'backups/ensureBackup': change(z.tuple([backupSpec]), observedBackup.nullable(), (h, op, spec) =>
    h.backups.ensureBackup(op, spec),
  ),
  'backups/removeBackup': change(z.tuple([backupRemoval]), nothing, (h, op, removal) =>
    h.backups.removeBackup(op, removal),
  ),
  'backups/listBackups': read(z.tuple([storeSpec]), z.array(storedBackup), (h, op, store) =>
    h.backups.listBackups(op, store),
  ),
  'backups/keepRecord': change(z.tuple([recordSpec]), nothing, (h, op, spec) =>
    h.backups.keepRecord(op, spec),
  ),
  'backups/readRecord': read(z.tuple([backupKey]), backupRecord.nullable(), (h, op, key) =>
    h.backups.readRecord(op, key),
  ),
  'backups/restoreBackup': change(z.tuple([restoreSpec]), restoredVolume.nullable(), (h, op, spec) =>
    h.backups.restoreBackup(op, spec),
  ),
  'volumes/reimageVolume': change(z.tuple([reimageSpec]), observedVolume.nullable(), (h, op, spec) =>
    h.volumes.reimageVolume(op, spec),
  ),
  'volumes/exportVolume': change(z.tuple([exportSpec]), observedExport.nullable(), (h, op, spec) =>
    h.volumes.exportVolume(op, spec),
  ),
  'volumes/removeExport': change(z.tuple([exportKey]), nothing, (h, op, key) =>
    h.volumes.removeExport(op, key),
  ),
  'storage/ensureBase': change(
    z.tuple([baseSpec]),
    z.object({ virtualBytes: z.int().min(0) }).nullable(),
    (h, op, spec) => h.storage.ensureBase(op, spec),
  ),
  'storage/removeBase': remove((h, op, id) => h.storage.removeBase(op, id)),
  'storage/listBases': read(none, z.array(generatedId), (h, op) => h.storage.listBases(op)),
}

export type MethodName = keyof typeof methods
type CallOf<N extends MethodName> = (typeof methods)[N]['call']
export type ArgsOf<N extends MethodName> =
  CallOf<N> extends (host: HostDrivers, op: Op, ...args: infer A) => unknown
    ? { readonly [K in keyof A]: Frozen<A[K]> }
    : never
export type ResultOf<N extends MethodName> = z.output<(typeof methods)[N]['answer']>

/** A call whose arguments have been checked. */
export type CheckedCall = { changes: boolean; run(host: HostDrivers, op: Op): Promise<unknown> }

/**
 * Checks a call against the allow-list and its schema. Raises `unsupported` for an unknown
 * method and `invalid` with the path of the first wrong field.
 */
export function checkCall(name: string, args: unknown): CheckedCall {
  if (!Object.hasOwn(methods, name))
    throw new DriverError('unsupported', `This agent has no call ${name.slice(0, 80)}.`)
  const method = methods[name as MethodName] as unknown as Method<unknown[], unknown>
  const parsed = method.args.safeParse(args)
  if (!parsed.success) {
    const issue = parsed.error.issues[0]
    throw new DriverError('invalid', `${name}: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'wrong'}`)
  }
  return {
    changes: method.changes,
    run: (host, op) => method.call(host, op, ...parsed.data),
  }
}

/** Turns any error into the form of the protocol. */
export function toWireError(error: unknown): WireError {
  const { code, message } = driverErrorOf(error)
  return { code, message }
}

export const fromWireError = ({ code, message }: WireError): DriverError => new DriverError(code, message)
