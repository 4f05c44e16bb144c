import { pino } from 'pino'
import { expect, test } from 'vitest'
import { backgroundOp } from '../op.ts'
import { type Ceph, CephError, errnos } from './ceph.ts'
import { listImages, usedBytes } from './rbd-images.ts'

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

/** A cluster in which so many lists in a row meet an image that has gone since its name was read. */
function withGoing(times: number): Ceph {
  let left = times
  return {
    pool,
    run: () => Promise.reject(new Error('nobody calls this')),
    json: async (_op, schema, _program, args) => {
      expect(args).toEqual(['ls', '-l', 'volumes'])
      left -= 1
      if (left >= 0)
        throw new CephError(
          'not_found',
          'rbd: error opening volume-1: (2) No such file or directory',
          errnos.noEntry,
        )
      return schema.parse([{ image: 'volume-2', size: 4096 }])
    },
  }
}

test('a list in which an image goes is made again, and a pool where all goes is asked later', async () => {
  const op = backgroundOp(pino({ level: 'silent' }))
  expect(await listImages(withGoing(3), op)).toEqual([{ image: 'volume-2', size: 4096 }])
  await expect(listImages(withGoing(99), op)).rejects.toMatchObject({ code: 'unavailable' })
})
