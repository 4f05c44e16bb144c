import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { z } from 'zod'
import { DriverError } from '../errors.ts'
import type { PoolSpec } from './interface.ts'

/**
 * The pools with a secret that this host was told of. A call of the control plane names a pool with its secret, and we keep
 * both in a file that only root reads: the specs of guests do not have the secret, and guests start also without the control
 * plane. What a call has told last holds: the addresses in the spec of a guest may be those of long ago.
 */
export type ToldPools<T> = {
  /** The same object as long as nothing has changed. Raises `unavailable` when nobody has told the secret of the pool yet. */
  of(pool: PoolSpec): Promise<T>
  forget(pool: PoolSpec): Promise<void>
}

/** `dir` outlives a restart. `schema` demands the secret, and `isTold` says whether a spec has it. */
export function toldPools<T>(
  dir: string,
  schema: z.ZodType<T>,
  isTold: (pool: PoolSpec) => boolean,
): ToldPools<T> {
  const known = new Map<string, { words: string; pool: T }>()
  const fileOf = (pool: PoolSpec) => path.join(dir, pool.id)

  async function read(pool: PoolSpec): Promise<unknown> {
    const text = await readFile(fileOf(pool), 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error
      throw new DriverError('unavailable', `This host was not told the key of the pool ${pool.id} yet.`)
    })
    return JSON.parse(text)
  }
  async function write(pool: PoolSpec, words: string): Promise<void> {
    if ((await readFile(fileOf(pool), 'utf8').catch(() => null)) === words) return
    await mkdir(dir, { recursive: true, mode: 0o700 })
    const draft = `${fileOf(pool)}.${crypto.randomUUID()}`
    await writeFile(draft, words, { mode: 0o600, flush: true })
    await rename(draft, fileOf(pool))
  }
  return {
    async of(pool) {
      const before = known.get(pool.id)
      if (!isTold(pool) && before) return before.pool
      const now = schema.parse(isTold(pool) ? pool : await read(pool))
      const words = JSON.stringify(now)
      if (before?.words === words) return before.pool
      await write(pool, words)
      known.set(pool.id, { words, pool: now })
      return now
    },
    async forget(pool) {
      known.delete(pool.id)
      // An agent that was killed while it wrote has left a draft, with the secret.
      for (const name of await readdir(dir).catch(none))
        if (name === pool.id || name.startsWith(`${pool.id}.`))
          await rm(path.join(dir, name), { force: true })
    },
  }
}

function none(error: NodeJS.ErrnoException): string[] {
  if (error.code === 'ENOENT') return []
  throw error
}
