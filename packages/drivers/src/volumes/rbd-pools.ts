import { rm } from 'node:fs/promises'
import path from 'node:path'
import { z } from 'zod'
import { DriverError } from '../errors.ts'
import { type Ceph, cephOf, type OpenPool } from './ceph.ts'
import type { PoolSpec } from './interface.ts'
import { rbdPool } from './spec.ts'
import { type ToldPools, toldPools } from './told-pools.ts'

/** The pools of Ceph that this host was told of. */
export type RbdPools = ToldPools<Ceph>

const kept = rbdPool.required().extend({ id: z.string() })

/** `keys` is the folder for what is kept, which outlives a restart; `runtime` the one for settings, which need not. */
export function rbdPools(keys: string, runtime: string): RbdPools {
  const told = toldPools<OpenPool>(keys, kept, (pool) => pool.driver === 'rbd' && pool.key !== undefined)
  const opened = new WeakMap<OpenPool, Ceph>()
  return {
    async of(pool) {
      if (pool.driver !== 'rbd') throw new DriverError('invalid', 'The pool is not one of Ceph.')
      const now = await told.of(pool)
      const ceph = opened.get(now) ?? cephOf(now, path.join(runtime, `pool-${pool.id}`))
      opened.set(now, ceph)
      return ceph
    },
    async forget(pool) {
      await told.forget(pool)
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
