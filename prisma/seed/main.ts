import type { PrismaClient } from '../client.ts'
import { seedIdentityRows } from './identity.ts'

/**
 * Rows that every cloud has and that need no rules of a room. What does need them (users,
 * projects, flavors, images) is made through the rooms' services: apps/api/src/<room>/seed.ts.
 */
export async function seedRows(db: PrismaClient): Promise<void> {
  await seedIdentityRows(db)
}
