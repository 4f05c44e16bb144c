import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { z } from 'zod'
import { DriverError } from '../errors.ts'
import { type Ceph, cephOf, type OpenPool } from './ceph.ts'
import type { PoolSpec } from './interface.ts'
import { rbdPool } from './spec.ts'

/**
 * The pools of Ceph that this host was told of. A call of the control plane names a pool with its key, and we keep both in a
 * file that only root reads: the specs of guests do not have the key, and guests start also without the control plane. What a
 * call has told last holds: the monitors in the spec of a guest may be those of long ago.
 */
export type RbdPools = {
  /** Raises `unavailable` when nobody has told the key of the pool yet. */
  of(pool: PoolSpec): Promise<Ceph>
  forget(pool: PoolSpec): Promise<void>
}

const kept = rbdPool.required().extend({ id: z.string() })

/** `keys` is the folder for what is kept, which outlives a restart; `runtime` the one for settings, which need not. */
export function rbdPools(keys: string, runtime: string): RbdPools {
  const known = new Map<string, { words: string; ceph: Ceph }>()
  const fileOf = (pool: PoolSpec) => path.join(keys, pool.id)

  async function read(pool: PoolSpec): Promise<OpenPool> {
    const text = await readFile(fileOf(pool), 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error
      throw new DriverError('unavailable', `This host was not told the key of the pool ${pool.id} yet.`)
    })
    return kept.parse(JSON.parse(text))
  }
  async function write(pool: OpenPool, words: string): Promise<void> {
    if ((await readFile(fileOf(pool), 'utf8').catch(() => null)) === words) return
    await mkdir(keys, { recursive: true, mode: 0o700 })
    const draft = `${fileOf(pool)}.${crypto.randomUUID()}`
    await writeFile(draft, words, { mode: 0o600, flush: true })
    await rename(draft, fileOf(pool))
  }
  return {
    async of(pool) {
      if (pool.driver !== 'rbd') throw new DriverError('invalid', 'The pool is not one of Ceph.')
      const before = known.get(pool.id)
      const { key } = pool
      if (key === undefined && before) return before.ceph
      const now = kept.parse(key === undefined ? await read(pool) : pool)
      const words = JSON.stringify(now)
      if (before?.words === words) return before.ceph
      await write(now, words)
      const ceph = cephOf(now, path.join(runtime, `pool-${pool.id}`))
      known.set(pool.id, { words, ceph })
      return ceph
    },
    async forget(pool) {
      known.delete(pool.id)
      await rm(fileOf(pool), { force: true })
      await rm(path.join(runtime, `pool-${pool.id}`), { recursive: true, force: true })
    },
  }
}

/** The pool without the key, for records. */
export function withoutKey(pool: PoolSpec): PoolSpec {
  if (pool.driver !== 'rbd') return pool
  const { key: _, ...rest } = pool
  return rest
}
