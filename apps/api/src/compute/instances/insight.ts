import type { GuestDiagnostics } from '@stratolith/drivers/hypervisor/interface'
import { driversOf, machineFacts } from '../../hosts/service.ts'
import type { Ctx } from '../../kernel/context.ts'
import { conflict } from '../../kernel/errors.ts'
import { appendEvent, noteUse } from '../../kernel/events.ts'
import { plainOp } from '../../kernel/hosts.ts'
import { interfacesOf } from '../../networking/service.ts'
import { type InstanceRow, loadInstance } from './load.ts'

export type Diagnostics = GuestDiagnostics & {
  row: InstanceRow
  hypervisor: string
  accelerator: string
  macs: string[]
}

/** Counters of a running guest, from its host. For administrators. */
export async function diagnosticsOf(ctx: Ctx, input: { id: string }): Promise<Diagnostics> {
  const row = await loadInstance(ctx, 'compute:get_diagnostics', input.id)
  if (row.hostId === null || (row.vmState !== 'active' && row.vmState !== 'paused'))
    throw conflict(`Diagnostics are of a running instance; this one is ${row.vmState}.`)
  const { hypervisor } = await driversOf(ctx, row.hostId)
  const [guest, interfaces, host] = await Promise.all([
    hypervisor.diagnostics(plainOp(ctx), row.id),
    interfacesOf(ctx, row.id),
    machineFacts(ctx, row.hostId),
  ])
  return {
    ...guest,
    row,
    hypervisor: host?.hypervisor ?? '',
    accelerator: host?.accelerator ?? '',
    macs: interfaces.map((one) => one.mac),
  }
}

/** The (encrypted) password that the guest has left at the metadata service; "" when none. */
export async function guestPassword(ctx: Ctx, input: { id: string }): Promise<string> {
  const row = await loadInstance(ctx, 'compute:get_password', input.id)
  if (row.hostId === null || row.launchedAt === null) return ''
  await noteUse(ctx, passwordEvent(row, 'read'))
  return (await driversOf(ctx, row.hostId)).hypervisor.password(plainOp(ctx), row.id)
}

export async function clearGuestPassword(ctx: Ctx, input: { id: string }): Promise<void> {
  const row = await loadInstance(ctx, 'compute:clear_password', input.id)
  if (row.hostId === null || row.launchedAt === null) return
  // Before the host forgets it: nothing is changed that nobody has written down.
  await appendEvent(ctx, passwordEvent(row, 'cleared'))
  await (await driversOf(ctx, row.hostId)).hypervisor.clearPassword(plainOp(ctx), row.id)
}

const passwordEvent = (row: { id: string; projectId: string }, what: 'read' | 'cleared') => ({
  kind: `instance.password-${what}`,
  projectId: row.projectId,
  resourceKind: 'instance',
  resourceId: row.id,
})
