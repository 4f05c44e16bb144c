import { PrismaPg } from '@prisma/adapter-pg'
import { PrismaClient } from './generated/client.ts'

export { Prisma, PrismaClient } from './generated/client.ts'
export type * from './generated/models.ts'

/** Opens a pool of `connections` (default 10) to `url`. Close with `$disconnect()`. */
export function openDatabase(url: string, connections = 10): PrismaClient {
  return new PrismaClient({
    adapter: new PrismaPg({ connectionString: url, max: connections }),
    transactionOptions: { maxWait: 10_000, timeout: 20_000 },
  })
}
