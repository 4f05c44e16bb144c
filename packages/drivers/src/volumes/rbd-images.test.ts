import { pino } from 'pino'
import { expect, test } from 'vitest'
import { backgroundOp } from '../op.ts'
import type { Ceph } from './ceph.ts'
import { usedBytes } from './rbd-images.ts'

const pool = { driver: 'rbd' as const, id: 'ceph', monitors: ['h'], pool: 'volumes', user: 'u', key: 'k' }

test('Ceph has hours to tell how much a snapshot takes, because it may read the whole image', async () => {
  const ceph: Ceph = {
    pool,
    run: () => Promise.reject(new Error('nobody calls this')),
    json: async (_op, schema, _program, args, timeoutMs) => {
      expect(args).toEqual(['diff', '--whole-object', 'volumes/volume-1@export-2'])
      expect(timeoutMs).toBeGreaterThan(6 * 60 * 60_000)
      return schema.parse([{ length: 4096 }, { length: 8192 }])
    },
  }
  const op = backgroundOp(pino({ level: 'silent' }))
  expect(await usedBytes(ceph, op, { image: 'volume-1', snapshot: 'export-2' })).toBe(12_288)
})
