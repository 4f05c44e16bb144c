import { Prisma } from '@stratolith/db'
import type { Ctx } from '../kernel/context.ts'

/** Tables whose rows count their changes. */
export type Revisioned =
  | 'Network'
  | 'Subnet'
  | 'Port'
  | 'Router'
  | 'FloatingIp'
  | 'SecurityGroup'
  | 'SecurityGroupRule'

/** The row keeps its revision until the transaction of `ctx` ends. Who may change it has been asked before. */
export async function lockRevision(ctx: Ctx, table: Revisioned, id: string): Promise<void> {
  await ctx.db.$executeRaw`
    SELECT 1 FROM ${Prisma.raw(`"${table}"`)} WHERE "id" = ${id}::uuid FOR NO KEY UPDATE`
}
