import { setTimeout as sleep } from 'node:timers/promises'
import { pino } from 'pino'
import { expect, test } from 'vitest'
import { createBackgroundJobs } from '../background.ts'
import { backgroundOp } from '../op.ts'
import { type Ceph, CephError, errnos } from './ceph.ts'
import { revertInBackground } from './rbd-revert.ts'

const pool = { driver: 'rbd' as const, id: 'ceph', monitors: ['h'], pool: 'volumes', user: 'u', key: 'k' }
const [id, snapshotId] = [crypto.randomUUID(), crypto.randomUUID()]
const gib = 1024 ** 3

/** A pool with the volume and its snapshot, whose return to the snapshot takes until the test ends it. */
function slow() {
  const ended = Promise.withResolvers<string>()
  const asked: string[] = []
  const known = `00000000  ${id.slice(0, 16)} |${id.slice(0, 16)}|\n|${id.slice(16, 32)}|\n|${id.slice(32)}|\n`
  const ceph: Ceph = {
    pool,
    run: async (_op, program, args) => {
      const words = args.join(' ')
      if (program === 'rados') return known
      if (words.startsWith('image-meta get')) throw new CephError('not_found', 'no such key', errnos.noEntry)
      asked.push(words.split(' --no-progress')[0] ?? words)
      return words.startsWith('snap rollback') ? ended.promise : ''
    },
    json: async (_op, schema) => schema.parse([{ name: `snapshot-${snapshotId}`, size: gib }]),
  }
  const parts = {
    of: async () => ceph,
    held: <T>(
      _op: unknown,
      _key: unknown,
      work: (volume: { image: { id: string; size: number }; guest: 'none' }) => Promise<T>,
    ) => work({ image: { id: 'a1', size: gib }, guest: 'none' }),
    unused: async () => undefined,
    background: createBackgroundJobs({ answerMs: 10 }),
  }
  const revert = (operation: string) =>
    revertInBackground(parts, backgroundOp(pino({ level: 'silent' }), operation), { id, pool, snapshotId })
  return { revert, ended, rollbacks: () => asked.filter((words) => words.startsWith('snap rollback')).length }
}

test('a return to a snapshot goes on while nobody waits, and is done once', async () => {
  const { revert, ended, rollbacks } = slow()
  expect(await revert('first')).toBeNull()
  expect(await revert('first')).toBeNull()
  expect(rollbacks()).toBe(1)
  ended.resolve('')
  await sleep(30)
  expect(await revert('first')).toMatchObject({ id, sizeBytes: gib })
  expect(rollbacks()).toBe(1)
})

test('an operation gets no result of an earlier one, because somebody may have written since', async () => {
  const { revert, ended, rollbacks } = slow()
  expect(await revert('first')).toBeNull()
  ended.resolve('')
  await sleep(30)
  expect(await revert('second')).toMatchObject({ id })
  expect(rollbacks()).toBe(2)
})
