import path from 'node:path'
import { z } from 'zod'
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
import { instanceSpec, logOptions } from '../hypervisor/spec.ts'
import { observedNetwork, observedPort, recordedPort } from '../network/observed.ts'
import { networkSpec, portSpec } from '../network/spec.ts'
import type { Op } from '../op.ts'
import type { TrashFacet } from '../storage/interface.ts'
import { observedDisk, trashedDisk } from '../storage/observed.ts'
import { baseSpec, emptyOptions, keptGuest } from '../storage/spec.ts'
import { nothing, report, type wireError } from './answers.ts'
import { applyChecked } from './documents.ts'

/**
 * What the control plane and an agent say to each other (versions.ts: in which versions). HTTP/1.1 over the agent's
 * unix socket (mutual TLS over TCP is the same with other connect options):
 *
 *   POST /v1/call/<driver>/<method>  {op:{id, cloud}, args:[…]}  → NDJSON, one WireLine each: any number of
 *        progress and alive lines, then one result or error. Closing the request cancels the call.
 *   GET  /v1/capabilities            → HostCapabilities
 *   GET  /v1/events                  → NDJSON without end: a snapshot of every guest, then events and
 *        an alive line every few seconds. Nothing that happens after the snapshot is missing.
 *   GET  /v1/console/<id>/<vnc|serial>  Upgrade: stratolith-console → 101 and raw bytes both ways
 *   GET  /healthz                    → who the agent is and what it runs
 *
 * Beside this door, which is the api's, there is one for the console proxy that serves consoles alone.
 */
/** The socket of that other door, beside the agent's own. */
export const consoleDoorOf = (socketPath: string): string =>
  path.join(path.dirname(socketPath), 'console.sock')
export const consoleUpgrade = 'stratolith-console'
/** An alive line is written this often on answers that take long … */
export const aliveEveryMs = 5_000
/** … and a peer that is silent for so long is taken for dead. */
export const silenceMs = 30_000
export const maxRequestBytes = 8 * 1024 * 1024
export const maxLineBytes = 32 * 1024 * 1024

export type WireError = z.output<typeof wireError>
/** Lines as the agent writes them. */
export type WireLine = { progress: string } | { alive: true } | { result: unknown } | { error: WireError }
export type WireEvent =
  | { snapshot: readonly HypervisorEvent[] }
  | { event: HypervisorEvent }
  | { alive: true }
  | { error: WireError }

/** Whose orders a call is: the cloud's id, and which of its databases (a later start or restore: a higher epoch). */
export const cloudMark = z.strictObject({
  id: z.uuid(),
  epoch: z.number().int().min(1),
  token: z.uuid(),
})
export type CloudMark = z.output<typeof cloudMark>

/** Without `cloud` a call may only look. */
export const callEnvelope = z.object({
  op: z.object({ id: z.string().min(1).max(128), cloud: cloudMark.optional() }),
  args: z.array(z.unknown()).max(4),
})

type Method<A extends unknown[], R> = {
  args: z.ZodType<A>
  /** As the control plane reads it. */
  answer: z.ZodType<R>
  /** Changes something on the host (and is worth a line in the log). */
  changes: boolean
  call(host: HostDrivers, op: Op, ...args: A): Promise<Frozen<R>>
}

/** The answer's schema says what a call answers; what the driver returns must be of that type. */
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

/** The facet or `unsupported`: a host without consoles answers instead of breaking. */
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

/** Every call that exists: the agent's allow-list and the client's types in one. */
export const methods = {
  'host/report': read(none, report, (h, op) => h.report(op)),
  'hypervisor/probe': read(none, hostFacts, (h, op) => h.hypervisor.probe(op)),
  'hypervisor/list': read(none, z.array(observedInstance), (h, op) => h.hypervisor.list(op)),
  'hypervisor/get': read(byId, observedInstance.nullable(), (h, op, id) => h.hypervisor.get(op, id)),
  'hypervisor/describe': read(byId, instanceSpec.nullable(), (h, op, id) => h.hypervisor.describe(op, id)),
  // The version before this one puts guests back by this call and by those of network that ensure: they go with the next.
  'hypervisor/ensure': change(z.tuple([instanceSpec]), observedInstance, (h, op, spec) =>
    h.hypervisor.ensure(op, spec),
  ),
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
  // They change nothing that the cloud has: a backup is read.
  'backup/copyDisk': read(z.tuple([generatedId, generatedId]), diskCopy, async (h, op, id, diskId) =>
    backupOf(h).copyDisk(op, id, diskId),
  ),
  'backup/dropCopy': read(z.tuple([generatedId, generatedId]), nothing, async (h, op, id, diskId) =>
    backupOf(h).dropCopy(op, id, diskId),
  ),
  'console/log': read(z.tuple([generatedId, logOptions]), consoleLog, async (h, op, id, options) =>
    consoleOf(h).log(op, id, options),
  ),
  /** PNG as base64. */
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
    applyChecked(h.documents, op, documents),
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

/** A call that has been checked and only waits to be run. */
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

/** An error as it travels. */
export function toWireError(error: unknown): WireError {
  const { code, message } = driverErrorOf(error)
  return { code, message }
}

export const fromWireError = ({ code, message }: WireError): DriverError => new DriverError(code, message)
