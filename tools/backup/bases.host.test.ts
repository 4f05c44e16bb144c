import fs from 'node:fs'
import path from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { places } from '../cloud/paths.ts'
import { baseFile, copyBases, sourceOfBase } from './bases.ts'
import { type Facts, formatVersion, type Manifest } from './format.ts'
import { planRestore, sentences } from './plan.ts'
import { makeBases } from './restore-disks.ts'
import { openTarget } from './target.ts'

let work = ''
beforeEach(() => {
  vi.stubEnv('DATABASE_URL', undefined)
  work = fs.mkdtempSync('/var/tmp/stratolith-bases-')
  fs.chmodSync(work, 0o755)
})
afterEach(() => {
  vi.unstubAllEnvs()
  fs.rmSync(work, { recursive: true, force: true })
})

const [kept, gone] = ['a'.repeat(64), 'b'.repeat(64)]
const [hostId, one, two] = [crypto.randomUUID(), crypto.randomUUID(), crypto.randomUUID()]
const options = { yes: true, disksFromBackup: false, replace: false }

test('a base whose image is gone is backed up, and a disk without any base is left out while the rest goes on', async () => {
  const from = places({ STRATOLITH_DATA: path.join(work, 'from') })
  const to = places({ STRATOLITH_DATA: path.join(work, 'to') })
  fs.mkdirSync(path.dirname(baseFile(from, kept)), { recursive: true })
  fs.writeFileSync(baseFile(from, kept), 'bytes of a base')
  const target = openTarget(path.join(work, 'backups'), from.data, 'ctest')
  const never = async () => false
  const notes = await copyBases(target, from, new Set([kept, gone]), never)
  expect(notes).toEqual([`The base ${gone} is not there: the disks on it cannot be restored.`])
  expect(await copyBases(target, from, new Set([kept]), never)).toEqual([])
  target.unlock()

  const facts: Facts = {
    ...{ at: new Date().toISOString(), cloud: 'ctest', cloudId: null, blobs: [] },
    hosts: [{ id: hostId, name: 'there', endpoint: 'unix:/elsewhere/agent.sock' }],
    instances: [
      { id: one, name: 'adopted', hostId, vmState: 'active' },
      { id: two, name: 'lost', hostId, vmState: 'active' },
    ],
  }
  const disk = (id: string, base: string) => ({
    ...{ host: 'there', instanceId: id, diskId: id, base, path: `disks/there/${id}/${id}.qcow2` },
    ...{ at: facts.at, live: true },
  })
  const config = `files/hosts/there/instances/${two}/config.iso`
  const manifest: Manifest = {
    ...{ format: formatVersion, software: 'test', finishedAt: facts.at, facts, blobs: [], notes },
    files: [
      ...target.journal.files.values(),
      ...[config, disk(one, kept).path].map((name) => ({ path: name, sizeBytes: 1, sha256: kept })),
    ],
    disks: [disk(one, kept), disk(two, gone)],
  }
  const dir = path.join(target.folder, target.name)
  fs.renameSync(target.dir, dir)
  const backup = { folder: target.folder, name: target.name, dir, manifest }
  const plan = await planRestore(to, backup, options)
  expect(plan.disks.map((each) => each.do)).toEqual(['put', 'leave'])
  expect(plan.files).toEqual([])
  expect(sentences(to, plan, options).join('\n')).toMatch(/left out, because .* in the backup: lost\./)
  fs.mkdirSync(path.join(to.data, 'images'), { recursive: true })
  await makeBases(to, plan)
  expect(fs.readFileSync(baseFile(to, kept), 'utf8')).toBe('bytes of a base')
  expect(fs.statSync(baseFile(to, kept)).mode & 0o777).toBe(0o444)
  expect(sourceOfBase(to, backup, kept)).toBe('there')
  expect(fs.existsSync(baseFile(to, gone))).toBe(false)
})

test('a restore that was cut short gets its disks with their records and does not take its own disks for older ones', async () => {
  vi.stubEnv('STRATOLITH_HOST', 'here')
  const to = places({ STRATOLITH_DATA: path.join(work, 'to') })
  const home = path.join(to.data, 'hosts/here/instances', one)
  fs.mkdirSync(home, { recursive: true })
  fs.writeFileSync(path.join(home, `disk-${one}.qcow2`), '')
  const records = ['config.iso', 'password', 'serial.log'].map(
    (name) => `hosts/there/instances/${one}/${name}`,
  )
  const at = new Date().toISOString()
  const manifest: Manifest = {
    ...{ format: formatVersion, software: 'test', finishedAt: at, blobs: [], notes: [] },
    facts: {
      ...{ at, cloud: 'ctest', cloudId: null, blobs: [], instances: [] },
      hosts: [{ id: hostId, name: 'there', endpoint: 'unix:/elsewhere/agent.sock' }],
    },
    files: records.map((name) => ({ path: `files/${name}`, sizeBytes: 1, sha256: kept })),
    disks: [
      {
        host: 'there',
        instanceId: one,
        diskId: one,
        base: null,
        path: `disks/${one}.qcow2`,
        at,
        live: false,
      },
    ],
  }
  const backup = { folder: work, name: 'one', dir: work, manifest }
  const again = { ...options, disksFromBackup: true }
  const other = await planRestore(to, backup, options, [two])
  expect([other.disks.map((each) => each.do), other.files]).toEqual([['keep'], []])
  const plan = await planRestore(to, backup, again, [one])
  expect(plan.disks.map((each) => each.do)).toEqual(['done'])
  expect(plan.files.map(({ place }) => place)).toEqual(records.map((name) => name.replace('there', 'here')))
  // The disk was noted, and the restore was killed before the disk was in its place.
  fs.rmSync(path.join(home, `disk-${one}.qcow2`))
  expect((await planRestore(to, backup, again, [one])).disks.map((each) => each.do)).toEqual(['put'])
})
