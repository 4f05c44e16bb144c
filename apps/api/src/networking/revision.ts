import { Prisma } from '@stratolith/db'
import type { Ctx } from '../kernel/context.ts'

/** The tables whose rows count their changes. */
export type Revisioned =
  | 'Network'
  | 'Subnet'
  | 'Port'
  | 'Router'
  | 'FloatingIp'
  | 'SecurityGroup'
  | 'SecurityGroupRule'

/** Locks the row's revision until the transaction of `ctx` ends. The caller has authorized the change before. */
export async function lockRevision(ctx: Ctx, table: Revisioned, id: string): Promise<void> {
  await ctx.db.$executeRaw`
    SELECT 1 FROM ${Prisma.raw(`"${table}"`)} WHERE "id" = ${id}::uuid FOR NO KEY UPDATE`
}
