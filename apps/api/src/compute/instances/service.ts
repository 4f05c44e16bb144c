import type { z } from 'zod'
import { driversOf } from '../../hosts/service.ts'
import { imageOf } from '../../images/service.ts'
import { type Ctx, projectOf, seesAll } from '../../kernel/context.ts'
import type { Page } from '../../kernel/contract.ts'
import { CloudError, conflict } from '../../kernel/errors.ts'
import { driverCode, plainOp, whileAnswering } from '../../kernel/hosts.ts'
import { askOf, pageView } from '../../kernel/page.ts'
import { securityGroupsOf } from '../../networking/service.ts'
import {
  type consoleLogInput,
  type InstanceDetail,
  type InstanceView,
  type instanceListInput,
  machineAway,
  machineSilent,
} from '../contract.ts'
import { serverGroupName } from '../groups/service.ts'
import { loadInstance } from './instance-row.ts'
import { localDiskViews } from './local-disks.ts'
import { machineOf } from './machine.ts'
import { queryInstances, sortableInstances } from './queries.ts'
import { viewsOf } from './view.ts'

/** Returns one page in a constant number of queries, addresses and current activity included. */
export async function listInstances(
  ctx: Ctx,
  input: z.output<typeof instanceListInput>,
): Promise<Page<InstanceView>> {
  const { allProjects, search, imageId, flavorId, networkId, forVolume, hostId, tags, keyName } = input
  const slice = await queryInstances(ctx, {
    where: {
      allProjects,
      search,
      imageId,
      flavorId,
      networkId,
      forVolume,
      hostId,
      tags,
      ...ofKeyPair(ctx, keyName),
      statuses: input.status,
    },
    ...askOf(input, sortableInstances),
  })
  return pageView(slice, await viewsOf(ctx, slice.rows))
}

/** Filters by a key pair of the caller; a key pair of the same name of another user is another key pair. */
const ofKeyPair = (ctx: Ctx, keyName: string | undefined) =>
  keyName === undefined ? {} : { keyName, userId: ctx.actor.userId }

/** Returns an instance with the details of its page. Throws not_found for an instance that the caller may not see. */
export async function getInstance(ctx: Ctx, input: { id: string }): Promise<InstanceDetail> {
  const row = await loadInstance(ctx, 'compute:get_instance', input.id)
  const [[view], groups, image, serverGroup] = await Promise.all([
    viewsOf(ctx, [row]),
    securityGroupsOf(ctx, row.id),
    row.imageId ? imageOf(ctx, row.imageId) : null,
    row.serverGroupId ? serverGroupName(ctx, row.serverGroupId) : null,
  ])
  if (!view) throw conflict('The instance is gone.')
  return {
    ...view,
    localDisks: localDiskViews(row),
    securityGroups: groups,
    userData: row.userData,
    loginUser: loginOf(image?.properties),
    serverGroup,
  }
}

/** Reads the login user from the property of the image that OpenStack's tools use. */
function loginOf(properties: unknown): string | null {
  const user = (properties as Record<string, unknown> | null | undefined)?.os_admin_user
  return typeof user === 'string' && /^[\w.-]{1,64}$/.test(user) ? user : null
}

/** Most bytes of serial output in one answer. */
const logBytes = 256 * 1024

/** How long a host may take to send a log: a person looks at an empty page meanwhile. A variable only for tests. */
export const logPatience = { timeoutMs: 4_000 }

/**
 * Returns serial output: from `offset` (bytes ever written) on, or the last lines. The next call continues at `next`.
 * Throws unavailable at once while the machine is known not to answer, and within `logPatience` when the machine does
 * not answer.
 */
export async function consoleLog(
  ctx: Ctx,
  input: z.output<typeof consoleLogInput>,
): Promise<{ text: string; offset: number; next: number }> {
  const row = await loadInstance(ctx, 'compute:get_console_log', input.id)
  if (row.hostId === null || row.launchedAt === null) return { text: '', offset: 0, next: 0 }
  const away = machineAway((await machineOf(ctx, row))?.absence)
  if (away) throw new CloudError('unavailable', away)
  const drivers = await driversOf(ctx, row.hostId)
  const { console } = drivers.hypervisor
  if (!console) throw new CloudError('unsupported', 'This host keeps no console log.')
  const options = { offset: input.offset, tailLines: input.tailLines, maxBytes: logBytes }
  const soon = plainOp(ctx, logPatience.timeoutMs)
  try {
    return await whileAnswering(soon, drivers, (op) => console.log(op, row.id, options))
  } catch (error) {
    if (driverCode(error) !== 'unavailable') throw error
    throw new CloudError('unavailable', machineSilent, { cause: error })
  }
}

/**
 * Refuses to delete an image while disks of instances that the caller sees are overlays on it. Instances of other
 * projects that could use the image keep the copy on their hosts; they must not keep the owner from deleting the image.
 */
export async function refuseWhileInstancesUse(ctx: Ctx, imageId: string): Promise<void> {
  const count = await ctx.db.instance.count({
    where: { imageId, rootOnVolume: false, ...(seesAll(ctx) ? {} : { projectId: projectOf(ctx) }) },
  })
  if (count > 0)
    throw conflict(
      `${count} ${count === 1 ? 'instance runs' : 'instances run'} on this image. Delete them first.`,
    )
}
