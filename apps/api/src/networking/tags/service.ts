import { Prisma } from '@stratolith/db'
import type { z } from 'zod'
import { type Ctx, inTransaction } from '../../kernel/context.ts'
import { conflict } from '../../kernel/errors.ts'
import { appendEvent } from '../../kernel/events.ts'
import { type TagKind, tagsSetInput } from '../contract.ts'
import { loadFloatingIp } from '../floating-ips/service.ts'
import { loadNetwork } from '../networks/load.ts'
import { loadPort } from '../ports/service.ts'
import { loadRouter } from '../routers/service.ts'
import { loadGroup } from '../security-groups/load.ts'
import { loadSubnet } from '../subnets/service.ts'

type Tagged = { projectId: string; tags: string[] }
const kinds: Record<TagKind, { table: string; load: (ctx: Ctx, id: string) => Promise<Tagged> }> = {
  network: { table: 'Network', load: (ctx, id) => loadNetwork(ctx, 'network:update', id) },
  subnet: {
    table: 'Subnet',
    load: async (ctx, id) => (await loadSubnet(ctx, 'subnet:update', id)).subnet,
  },
  port: { table: 'Port', load: (ctx, id) => loadPort(ctx, 'port:update', id) },
  router: { table: 'Router', load: (ctx, id) => loadRouter(ctx, 'router:update', id) },
  floatingIp: { table: 'FloatingIp', load: (ctx, id) => loadFloatingIp(ctx, 'floatingIp:update', id) },
  securityGroup: { table: 'SecurityGroup', load: (ctx, id) => loadGroup(ctx, 'securityGroup:update', id) },
}

/**
 * Changes the tags of a thing that the caller may change; returns the new tags in order. The row is locked, so that two
 * callers who add a tag at the same time both succeed.
 */
export async function changeTags(
  ctx: Ctx,
  { kind, id }: { kind: TagKind; id: string },
  change: (tags: readonly string[]) => readonly string[],
): Promise<string[]> {
  const { table, load } = kinds[kind]
  return inTransaction(ctx, async (tx) => {
    await load(tx, id)
    const name = Prisma.raw(`"${table}"`)
    await tx.db.$executeRaw`SELECT 1 FROM ${name} WHERE "id" = ${id}::uuid FOR UPDATE`
    const row = await load(tx, id)
    const tags = [...new Set(change(row.tags))].sort()
    if (tags.length > 50) throw conflict('At most 50 tags.')
    await tx.db.$executeRaw`UPDATE ${name} SET "tags" = ${tags}::text[] WHERE "id" = ${id}::uuid`
    await appendEvent(tx, {
      kind: `${kind}.updated`,
      projectId: row.projectId,
      resourceKind: kind,
      resourceId: id,
    })
    return tags
  })
}

/** The given set replaces the set before. */
export async function setTags(ctx: Ctx, input: z.input<typeof tagsSetInput>): Promise<string[]> {
  const { kind, id, tags } = tagsSetInput.parse(input)
  return changeTags(ctx, { kind, id }, () => tags)
}
