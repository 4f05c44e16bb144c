import fs from 'node:fs/promises'
import path from 'node:path'
import type { PrismaClient } from '@stratolith/db'
import { DriverError } from '@stratolith/drivers/errors'
import { type CloudMark, cloudMark } from '@stratolith/drivers/remote/protocol'
import type { Ctx } from './context.ts'

/** How long the mark is kept, in ms, to spare a query for each call. Hosts refuse an outdated mark, and then it is read again. */
const keepMs = 5_000

/**
 * Returns the function that reads the cloud's id and epoch from the database (tools/cloud/identity.ts writes them at
 * each start), for every call that changes something on a host. With `fresh` it reads them anew. Raises `foreign` when
 * the database belongs to no cloud.
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
 * True when the database is the one that the data folder follows (tools/cloud/identity.ts records its id and epoch
 * there). The database may have been replaced by an older copy while we run: then hosts refuse its orders, and
 * nothing may be removed from the data folder because of its rows.
 */
export async function followsDatabase({ deps }: Ctx): Promise<boolean> {
  const file = path.join(deps.config.dataDir, 'cloud.json')
  const text = await fs.readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null // Clouds of tests have no such file.
    throw error
  })
  if (text === null) return true
  const followed = cloudMark.parse(JSON.parse(text))
  const now = await read(deps.root)
  const isNewer = now.epoch > followed.epoch
  return now.id === followed.id && (isNewer || (now.epoch === followed.epoch && now.token === followed.token))
}
