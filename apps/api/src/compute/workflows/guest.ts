import type { DiskAttachment, InstanceSpec, NicAttachment } from '@stratolith/drivers/hypervisor/interface'
import { CloudError, invariant } from '../../kernel/errors.ts'
import type { Run } from '../../kernel/workflow.ts'
import { securityGroupsOf } from '../../networking/service.ts'
import { type InstanceRow, moveState, typed } from '../instances/load.ts'
import type { OnHost } from './on-host.ts'

/** The row as it is now; null when it is gone. */
export async function currentRow(run: Run<unknown>): Promise<InstanceRow | null> {
  const row = await run.ctx.deps.root.instance.findUnique({ where: { id: run.resourceId } })
  return row && typed(row)
}

/** For actions on a built instance: it must be there, on a host, and still under this action. */
export async function rowUnder(run: Run<unknown>, task: string): Promise<InstanceRow & { hostId: string }> {
  const row = await currentRow(run)
  if (!row || row.taskState === 'deleting')
    throw new CloudError('conflict', 'The instance was deleted while this was under way.')
  invariant(row.taskState === task, `instance ${row.id} is ${row.taskState ?? 'idle'} instead of ${task}`)
  const { hostId } = row
  invariant(hostId !== null, `instance ${row.id} has no host`)
  return { ...row, hostId }
}

/**
 * moveState on the newest generation; tries again when it loses.
 * `known` is the row when the caller has just read it.
 */
export async function settle(
  run: Run<unknown>,
  patch: Parameters<typeof moveState>[2],
  only: (row: InstanceRow) => boolean,
  known: InstanceRow | null = null,
): Promise<InstanceRow | null> {
  for (let attempt = 0; attempt < 5; attempt++) {
    const row = attempt === 0 && known ? known : await currentRow(run)
    if (!row || !only(row)) return null
    if (await moveState(run.ctx, row, patch, run.operationId)) return row
  }
  throw new CloudError('unavailable', 'The instance changes too fast. Trying again helps.')
}

/** The root disk that was made at launch; its path comes from the host, never from a record. */
export async function existingDisk(
  { storage, op }: OnHost,
  row: InstanceRow & { hostId: string },
): Promise<DiskAttachment> {
  const disk = (await storage.listDisks(op)).find((d) => d.id === row.id)
  if (!disk)
    throw new CloudError('internal', 'The disk of this instance is gone from its host.', {
      detail: `no disk ${row.id} on host ${row.hostId}`,
    })
  return { id: disk.id, path: disk.path, format: disk.format, boot: true }
}

/** What the hypervisor is told: the row's numbers and what the guest may know about itself. */
export async function specOf(
  run: Run<unknown>,
  row: InstanceRow,
  parts: { disk: DiskAttachment; nics: NicAttachment[] },
): Promise<InstanceSpec> {
  const groups = await securityGroupsOf(run.ctx, row.id)
  return {
    id: row.id,
    projectId: row.projectId,
    name: row.name,
    vcpus: row.vcpus,
    memoryMib: row.memoryMib,
    power: 'running',
    disks: [parts.disk],
    nics: parts.nics,
    configDrive: row.configDrive,
    guest: {
      hostname: row.hostname,
      zone: row.zone ?? 'nova',
      launchIndex: row.launchIndex,
      metadata: row.metadata as Record<string, string>,
      publicKeys: row.publicKey ? [{ name: row.keyName ?? 'default', key: row.publicKey }] : [],
      userData: row.userData,
      securityGroups: groups.map((group) => group.name),
      flavorName: row.flavorName,
      imageId: row.imageId,
      adminPass: row.adminPass,
    },
  }
}

/** The row's words for a failure: public message, detail for administrators. */
export const faultOf = (error: CloudError) => ({
  faultCode: 500,
  faultMessage: error.message,
  faultDetail: error.detail,
  faultAt: new Date(),
})
