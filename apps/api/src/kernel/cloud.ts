import fs from 'node:fs/promises'
import path from 'node:path'
import type { PrismaClient } from '@stratolith/db'
import { DriverError } from '@stratolith/drivers/errors'
import { type CloudMark, cloudMark } from '@stratolith/drivers/remote/protocol'
import type { Ctx } from './context.ts'

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

/**
 * Is the database the one that the data folder follows (tools/cloud/identity.ts writes what it has
 * followed into it)? It may have been replaced by an older copy while we run: hosts refuse its orders
 * then, and nothing may be removed from the data folder for its sake either.
 */
export async function followsDatabase({ deps }: Ctx): Promise<boolean> {
  const file = path.join(deps.config.dataDir, 'cloud.json')
  const text = await fs.readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null // a cloud of tests
    throw error
  })
  if (text === null) return true
  const followed = cloudMark.parse(JSON.parse(text))
  const now = await read(deps.root)
  const isNewer = now.epoch > followed.epoch
  return now.id === followed.id && (isNewer || (now.epoch === followed.epoch && now.token === followed.token))
}
