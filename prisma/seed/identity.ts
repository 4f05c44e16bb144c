import { randomBytes } from 'node:crypto'
import type { PrismaClient } from '../client.ts'

/** Makes the domain and the roles that every cloud has. Does not change rows that exist. */
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
  for (const [name, description] of roles)
    await db.role.upsert({
      where: { domainKey_name: { domainKey: '', name } },
      create: { id: randomBytes(16).toString('hex'), name, description, options: { immutable: true } },
      update: { options: { immutable: true } },
    })
  await seedImplications(db)
}

/** Makes admin imply member and member imply reader. Implications that an administrator has added stay. */
async function seedImplications(db: PrismaClient): Promise<void> {
  const rows = await db.role.findMany({
    where: { domainKey: '', name: { in: ['admin', 'member', 'reader'] } },
  })
  const idOf = new Map(rows.map((role) => [role.name, role.id]))
  const [admin = '', member = '', reader = ''] = ['admin', 'member', 'reader'].map((name) => idOf.get(name))
  await db.impliedRole.createMany({
    data: [
      { priorRoleId: admin, impliedRoleId: member },
      { priorRoleId: member, impliedRoleId: reader },
    ],
    skipDuplicates: true,
  })
}
