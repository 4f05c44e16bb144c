import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { DriverError } from '../errors.ts'
import { type Ceph, cephOf, type RbdPool } from './ceph.ts'
import type { PoolSpec } from './interface.ts'

/**
 * The pools of Ceph that this host was told of. A call of the control plane names the key of the pool, and we keep it in a
 * file that only root reads: the specs of guests do not have it, and guests start also without the control plane.
 */
export type RbdPools = {
  /** Raises `unavailable` when nobody has told the key of the pool yet. */
  of(pool: PoolSpec): Promise<Ceph>
  forget(pool: PoolSpec): Promise<void>
}

/** `keys` is the folder for keys, which outlive a restart; `runtime` the one for settings, which need not. */
export function rbdPools(keys: string, runtime: string): RbdPools {
  const known = new Map<string, { words: string; ceph: Ceph }>()
  const keyFile = (pool: PoolSpec) => path.join(keys, pool.id)

  async function keyOf(pool: RbdPool): Promise<string> {
    const kept = await readFile(keyFile(pool), 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return null
      throw error
    })
    const key = pool.key ?? kept
    if (key === null)
      throw new DriverError('unavailable', `This host was not told the key of the pool ${pool.id} yet.`)
    if (key !== kept) {
      await mkdir(keys, { recursive: true, mode: 0o700 })
      const draft = `${keyFile(pool)}.${crypto.randomUUID()}`
      await writeFile(draft, key, { mode: 0o600, flush: true })
      await rename(draft, keyFile(pool))
    }
    return key
  }
  return {
    async of(pool) {
      if (pool.driver !== 'rbd') throw new DriverError('invalid', 'The pool is not one of Ceph.')
      const before = known.get(pool.id)
      const key = pool.key ?? before?.ceph.pool.key ?? (await keyOf(pool))
      const whole = { ...pool, key }
      const words = JSON.stringify(Object.entries(whole).sort())
      if (before?.words === words) return before.ceph
      // The place or the key is new.
      await keyOf(whole)
      const ceph = cephOf(whole, path.join(runtime, `pool-${pool.id}`))
      known.set(pool.id, { words, ceph })
      return ceph
    },
    async forget(pool) {
      known.delete(pool.id)
      await rm(keyFile(pool), { force: true })
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
