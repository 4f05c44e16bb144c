import { randomBytes } from 'node:crypto'
import type { PrismaClient } from '../client.ts'

/** The domain and the roles that every cloud has. Leaves rows that are there alone. */
export async function seedIdentityRows(db: PrismaClient): Promise<void> {
  await db.domain.createMany({
    data: [{ id: 'default', name: 'Default', description: 'The default domain' }],
    skipDuplicates: true,
  })
  const roles = [
    ['admin', 'May do everything in its scope'],
    ['member', 'May use and change what is in its scope'],
    ['reader', 'May look at what is in its scope'],
  ] as const
  await db.role.createMany({
    data: roles.map(([name, description]) => ({ id: randomBytes(16).toString('hex'), name, description })),
    skipDuplicates: true,
  })
}
