import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { pino } from 'pino'
import { afterAll, expect, test } from 'vitest'
import { backgroundOp } from '../op.ts'
import { type Ceph, CephError, errnos } from './ceph.ts'
import { fromCeph } from './from-ceph.ts'
import { Readers } from './rbd-backup.ts'
import { dropExport } from './rbd-contents.ts'

const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'stratolith-ceph-'))
afterAll(() => fs.rmSync(dir, { recursive: true, force: true }))
const pool = { driver: 'rbd' as const, id: 'ceph', monitors: ['h'], pool: 'volumes', user: 'u', key: 'k' }

const exportId = crypto.randomUUID()
/** The commands that the removal of an export sends to a pool in which nothing is left. */
async function commandsFor(id?: string): Promise<string[]> {
  const asked: string[] = []
  const nothing = () => Promise.reject(new CephError('not_found', 'no such image', errnos.noEntry))
  const ceph: Ceph = {
    pool,
    run: (_op, _program, args) => {
      asked.push(args.join(' '))
      return nothing()
    },
    json: async (_op, schema, _program, args) => {
      asked.push(args.join(' '))
      return args[0] === 'ls' ? schema.parse([]) : nothing()
    },
  }
  const refuse = () => Promise.reject(new Error('nobody calls this'))
  const own = { files: fromCeph(dir, pino({ level: 'silent' })), readers: new Readers(), imagesDir: dir }
  const parts = { ...own, of: async () => ceph, held: refuse, unused: refuse, baseIn: refuse }
  await dropExport(parts, backgroundOp(pino({ level: 'silent' })), { id, pool, exportId })
  return asked
}

test('an export is removed from its volume, and the pool is listed for older callers alone', async () => {
  expect(await commandsFor()).toEqual(['ls -l volumes'])
  const commands = await commandsFor('v')
  expect(commands).toContain(`snap rm --no-progress volumes/volume-v@export-${exportId}`)
  expect(commands).toContain(`snap rm --no-progress volumes/gone-v@export-${exportId}`)
  expect(commands.filter((command) => command.startsWith('ls'))).toEqual([])
})
