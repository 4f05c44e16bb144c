import fs from 'node:fs'
import path from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { places } from '../cloud/paths.ts'
import { within } from './beneath.ts'
import { copyFile, hashFile } from './files.ts'
import { type BackedDisk, type Facts, formatVersion, type Manifest, writeManifest } from './format.ts'
import { heldAs } from './holds.ts'
import { planRestore } from './plan.ts'
import { stateOf } from './state.ts'
import { chooseBackup, verify } from './verify.ts'

/** Tests of an attacker who can write to a folder of backups and corrects the checksums. */
const name = '2026-01-02T03-04-05Z'
const options = { yes: true, disksFromBackup: false, replace: false }
const [id, hostId, sha] = [crypto.randomUUID(), crypto.randomUUID(), 'a'.repeat(64)]
const facts: Facts = {
  ...{ at: new Date().toISOString(), cloud: 'ctest', cloudId: null, instances: [], blobs: [] },
  hosts: [{ id: hostId, name: 'vm', endpoint: 'unix:/elsewhere/agent.sock' }],
}
let work = ''
let folder = ''
beforeEach(() => {
  vi.stubEnv('DATABASE_URL', undefined)
  work = fs.mkdtempSync('/var/tmp/stratolith-hostile-')
  fs.chmodSync(work, 0o755)
  folder = path.join(work, 'backups')
  fs.mkdirSync(path.join(folder, name), { recursive: true })
})
afterEach(() => {
  vi.unstubAllEnvs()
  fs.rmSync(work, { recursive: true, force: true })
})

function write(files: Manifest['files'], disks: BackedDisk[] = []): void {
  const rest = { finishedAt: facts.at, facts, files, disks, blobs: [], notes: [] }
  writeManifest(path.join(folder, name), { format: formatVersion, software: 'test', ...rest })
}
async function put(place: string, text = place) {
  const file = path.join(folder, name, place)
  fs.mkdirSync(path.dirname(file), { recursive: true })
  fs.writeFileSync(file, text)
  return { path: place, ...(await hashFile(file)) }
}

test.each([
  'files/cache/rootsh',
  'files/run/cloud.json',
  'files/run/migrated',
  'files/cloud.json',
  'files/restore.json',
  'files/images/bases/base.raw',
  `files/images/blobs/${sha}`,
  'files/hosts',
  'files/postgres',
  'files/postgres.restoring',
  'files/postgres/data/postgresql.conf',
  'files/hosts/vm/disk-bases-recorded',
  'files/hosts/vm/agent.lock',
  'files/hosts/other/network/ports/a.json',
  'files/hosts/vm/network/ports/../../a.json',
  'files/hosts/vm/network/dhcp/a.json',
  `files/hosts/vm/instances/${id}/uid`,
  `files/hosts/vm/instances/${id}/run.json`,
  `files/hosts/vm/instances/..../password`,
  'files/secrets/../run/x',
  'files/secrets//x',
  'files/.',
  'files/two\nlines',
  `disks/vm/${id}/more.qcow2`,
  'database/nested/database.json',
  'bases/any.raw',
  'journal.ndjson',
])('%j is refused by name before anything is read', (place) => {
  expect(heldAs(place, facts)).toBeNull()
  write([{ path: place, sizeBytes: 1, sha256: sha }])
  // The schema refuses some of these paths already.
  if (place.includes('..')) return expect(() => chooseBackup(folder, name)).toThrow()
  expect(() => chooseBackup(folder, name)).toThrow(
    `The backup ${name} holds ${JSON.stringify(place)}, which a backup never does`,
  )
})

test('a disk at another place than its ids say, or of a host that is not in the backup, is refused', () => {
  const disk = { host: 'vm', instanceId: id, diskId: id, base: null, at: facts.at, live: false }
  const right = `disks/vm/${id}/${id}.qcow2`
  write([], [{ ...disk, path: right }])
  expect(chooseBackup(folder, name).manifest.disks).toHaveLength(1)
  write([], [{ ...disk, path: 'files/secrets/session' }])
  expect(() => chooseBackup(folder, name)).toThrow(/holds "files\/secrets\/session"/)
  write([], [{ ...disk, host: 'other', path: right.replace('vm', 'other') }])
  expect(() => chooseBackup(folder, name)).toThrow(/holds "disks\/other/)
})

test('a backup contains exactly the files of a data folder that a restore puts there', () => {
  const data = path.join(work, 'data')
  const names = [
    ...['policy.yaml', 'ldap.yaml', 'corp ca.pem', 'cloud-id', 'secrets/session', 'secrets/ldap/password'],
    ...['hosts/vm/network/ports/a_1.json', 'hosts/vm/network/sets/b-2.json'],
    ...['spec.json', 'config.iso', 'password', 'serial.log'].map((one) => `hosts/vm/instances/${id}/${one}`),
  ]
  const others = ['cloud.json', 'clouds.yaml', 'hosts/vm/agent.lock', 'run/cloud.json', 'secrets/line\nbreak']
  for (const one of [...names, ...others]) {
    fs.mkdirSync(path.dirname(path.join(data, one)), { recursive: true })
    fs.writeFileSync(path.join(data, one), '')
  }
  const instances = [{ id, name: 'one', hostId, vmState: 'active' }]
  expect(stateOf(data, { ...facts, instances }).sort()).toEqual(names.sort())
})

test('no file of a backup is read through a link in any part of its path', async () => {
  const file = await put('files/secrets/session', 'secret')
  write([file])
  await verify(chooseBackup(folder, name))
  const secrets = path.join(folder, name, 'files/secrets')
  fs.renameSync(secrets, path.join(work, 'elsewhere'))
  fs.symlinkSync(path.join(work, 'elsewhere'), secrets)
  await expect(verify(chooseBackup(folder, name))).rejects.toThrow(`${secrets} is a link`)
  fs.rmSync(secrets)
  fs.mkdirSync(secrets)
  fs.symlinkSync(path.join(work, 'elsewhere/session'), path.join(secrets, 'session'))
  await expect(verify(chooseBackup(folder, name))).rejects.toThrow(/files\/secrets\/session \(missing\)/)
})

test('no file is written through a link in the data folder, also when the link is put there later', async () => {
  const to = places({ STRATOLITH_DATA: path.join(work, 'data') })
  const outside = path.join(work, 'outside')
  for (const dir of [to.data, outside]) fs.mkdirSync(dir)
  fs.symlinkSync(outside, path.join(to.data, 'secrets'))
  write([await put('files/secrets/session')])
  await expect(planRestore(to, chooseBackup(folder, name), options)).rejects.toThrow(
    `${to.secrets} is a link, or no folder, and is not followed`,
  )
  const source = path.join(folder, name, 'files/secrets/session')
  const copied = within(
    to.data,
    'secrets/deep/session',
    (file) => copyFile(source, file),
    () => 0o700,
  )
  await expect(copied).rejects.toThrow(/is a link/)
  fs.rmSync(to.secrets)
  fs.mkdirSync(to.secrets)
  await within(
    to.data,
    'secrets/deep/session',
    (file) => {
      // The open folder is used, whatever its name leads to now.
      fs.renameSync(path.join(to.secrets, 'deep'), path.join(work, 'moved'))
      fs.symlinkSync(outside, path.join(to.secrets, 'deep'))
      return copyFile(source, file)
    },
    () => 0o700,
  )
  expect(fs.readdirSync(outside)).toEqual([])
  expect(fs.readdirSync(path.join(work, 'moved'))).toEqual(['session'])
  expect(fs.statSync(path.join(work, 'moved')).mode & 0o777).toBe(0o700)
})
