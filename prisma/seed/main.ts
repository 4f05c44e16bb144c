import type { PrismaClient } from '../client.ts'
import { seedIdentityRows } from './identity.ts'

/**
 * Makes the rows that every cloud has and that need no rules of a room. Rows that need such rules (users,
 * projects, flavors, images) are made through the rooms' services: apps/api/src/<room>/seed.ts.
 */
export async function seedRows(db: PrismaClient): Promise<void> {
  await seedIdentityRows(db)
}
