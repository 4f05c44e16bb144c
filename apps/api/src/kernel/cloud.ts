import type { PrismaClient } from '@stratolith/db'
import { DriverError } from '@stratolith/drivers/errors'
import type { CloudMark } from '@stratolith/drivers/remote/protocol'

/** Hosts refuse an outdated one, and then it is read again: so this only spares reading it for each call. */
const keepMs = 5_000

/**
 * Which cloud the database is and of which epoch (tools/cloud/identity.ts writes it at each start), for
 * every call that changes something on a host. With `fresh` it is read now. Raises `foreign` when the
 * database is no cloud's.
 */
export function cloudMarkOf(root: PrismaClient): (fresh: boolean) => Promise<CloudMark> {
  let known: { mark: Promise<CloudMark>; at: number } | null = null
  return (fresh) => {
    if (fresh || !known || Date.now() - known.at > keepMs) {
      const mark = read(root)
      known = { mark, at: Date.now() }
      mark.catch(() => {
        known = null
      })
    }
    return known.mark
  }
}

async function read(root: PrismaClient): Promise<CloudMark> {
  const row = await root.cloud.findFirst()
  if (!row) throw new DriverError('foreign', 'This database has no cloud yet; `npm start` gives it one.')
  return { id: row.id, epoch: row.epoch, token: row.epochToken }
}
