import { driversOf } from '../../hosts/service.ts'
import type { Ctx } from '../../kernel/context.ts'
import { appendEvent, noteUse } from '../../kernel/events.ts'
import { plainOp } from '../../kernel/hosts.ts'
import { loadInstance } from './instance-row.ts'

/** Returns the encrypted password that the guest has left at the metadata service; "" when the guest has left none. */
export async function guestPassword(ctx: Ctx, input: { id: string }): Promise<string> {
  const row = await loadInstance(ctx, 'compute:get_password', input.id)
  if (row.hostId === null || row.launchedAt === null) return ''
  await noteUse(ctx, passwordEvent(row, 'read'))
  return (await driversOf(ctx, row.hostId)).hypervisor.password(plainOp(ctx), row.id)
}

/** Makes the host forget the password of the guest; does nothing for an instance that has never run. */
export async function clearGuestPassword(ctx: Ctx, input: { id: string }): Promise<void> {
  const row = await loadInstance(ctx, 'compute:clear_password', input.id)
  if (row.hostId === null || row.launchedAt === null) return
  // Write the event before the host forgets the password, so that no change is without a record.
  await appendEvent(ctx, passwordEvent(row, 'cleared'))
  await (await driversOf(ctx, row.hostId)).hypervisor.clearPassword(plainOp(ctx), row.id)
}

const passwordEvent = (row: { id: string; projectId: string }, what: 'read' | 'cleared') => ({
  kind: `instance.password-${what}`,
  projectId: row.projectId,
  resourceKind: 'instance',
  resourceId: row.id,
})
