import { mkdir, readdir, readFile, rm } from 'node:fs/promises'
import path from 'node:path'
import type { Logger } from 'pino'
import { z } from 'zod'

/** The files of a host that hold contents of volumes on their way from Ceph or into it. Only root reads them. */

type What = 'export' | 'frozen' | 'refill' | 'read' | 'received'

/** What a backup reads. `since`: the earlier backup, when the file has only what differs from it, as `rbd export-diff` writes that. */
export const toldSchema = z.object({
  volumeId: z.string(),
  sizeBytes: z.int(),
  quiesced: z.boolean(),
  since: z.object({ id: z.string(), sizeBytes: z.int() }).nullable(),
  unknownBecause: z.string().optional(),
})
export type Told = z.output<typeof toldSchema>
/** What is told of a backup's file stands beside it, and says that the file is whole. */
export const toldIn = (file: string): string => `${file}.json`

export type FromCeph = {
  /** The path of a file. `id` is that of what is made of it. */
  file(what: What, id: string): Promise<string>
  /** Removes what backups of a volume have left that were not made to their end. */
  dropFrozenOf(volumeId: string): Promise<void>
}

/**
 * The files of a host whose folder is `dir`. Those that calls of an earlier agent have left are removed now: nobody goes on
 * with any but those of backups that are whole, and the others would lie here until the same volume comes again.
 */
export function fromCeph(dir: string, log: Logger): FromCeph {
  const folder = path.join(dir, 'from-ceph')
  const swept = sweep(folder).catch((err: unknown) =>
    log.error({ err, folder }, 'contents of volumes that an earlier agent has left cannot be removed'),
  )
  return {
    async file(what, id) {
      await swept
      await mkdir(folder, { recursive: true, mode: 0o700 })
      return path.join(folder, `${what}-${id}`)
    },
    async dropFrozenOf(volumeId) {
      await swept
      for (const name of await namesIn(folder)) {
        const file = path.join(folder, name.replace(/\.json$/, ''))
        if (name.endsWith('.json') && (await readTold(file))?.volumeId === volumeId) await removeKept(file)
      }
    },
  }
}

async function sweep(folder: string): Promise<void> {
  const names = new Set(await namesIn(folder))
  for (const name of names) {
    const file = path.join(folder, name.replace(/\.json$/, ''))
    const isWhole = name.startsWith('frozen-') && names.has(path.basename(toldIn(file)))
    if (!isWhole || (await readTold(file)) === null) await rm(path.join(folder, name), { force: true })
  }
}

/** Null when the file is not whole, or an older version has written it. */
export async function readTold(file: string): Promise<Told | null> {
  const text = await readFile(toldIn(file), 'utf8').catch(() => null)
  if (text === null) return null
  const { data } = toldSchema.safeParse(jsonIn(text))
  return data ?? null
}

export async function removeKept(file: string): Promise<void> {
  for (const one of [toldIn(file), `${toldIn(file)}.part`, file]) await rm(one, { force: true })
}

async function namesIn(folder: string): Promise<string[]> {
  return readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
