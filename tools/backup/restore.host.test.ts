import { execFileSync, spawn, spawnSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { runMigrations } from 'graphile-worker'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { takeLock } from '../../apps/agent/src/lock.ts'
import { acceptDatabase, identify } from '../cloud/identity.ts'
import { places, root } from '../cloud/paths.ts'
import { node } from '../cloud/prepare.ts'
import { serviceUsers } from '../cloud/users.ts'
import { ensureDatabase, type Postgres, startPostgres } from '../postgres.ts'
import { compareRows, connected, dumpDatabase, readDump } from './database.ts'
import { readFactsOf } from './facts.ts'
import { hashFile } from './files.ts'
import { type Facts, formatVersion, writeManifest } from './format.ts'
import type { Marker } from './restore.ts'
import { userTables } from './tables.ts'

const work = fs.mkdtempSync('/var/tmp/stratolith-own-')
fs.chmodSync(work, 0o755)
const data = path.join(work, 'data')
const backups = path.join(work, 'backups')
const where = places({ STRATOLITH_DATA: data })
let own: Postgres
let made = ''

/** Runs a command as an operator types it. */
const type = (args: string[], databaseUrl?: string) => {
  const { DATABASE_URL: _, ...env } = process.env
  const { status, stdout, stderr } = spawnSync(process.execPath, ['tools/backup/main.ts', ...args], {
    cwd: root,
    encoding: 'utf8',
    env: {
      ...env,
      STRATOLITH_DATA: data,
      STRATOLITH_HOST: 'here',
      ...(databaseUrl ? { DATABASE_URL: databaseUrl } : {}),
    },
  })
  return { status, said: stdout + stderr }
}
const events = (url: string) =>
  connected(url, async (client) =>
    (await client.query('SELECT "kind" FROM "Event" ORDER BY "id"')).rows.map((r) => r.kind),
  )

const tool = (program: string, ...args: string[]) => execFileSync(program, args, { encoding: 'utf8' })
const instanceId = crypto.randomUUID()
const mib = 1024 ** 2

/** Makes an overlay with 64 KiB "A" over an image that is all "B", from a machine with other folders. */
async function withDisk(dir: string, read: Facts) {
  const image = path.join(work, 'image.raw')
  fs.writeFileSync(image, Buffer.alloc(mib, 'B'))
  const { sha256: base, sizeBytes } = await hashFile(image)
  fs.mkdirSync(path.join(backups, 'blobs'), { recursive: true })
  fs.copyFileSync(image, path.join(backups, 'blobs', base))
  const place = `disks/there/${instanceId}/${instanceId}.qcow2`
  const file = path.join(dir, place)
  fs.mkdirSync(path.dirname(file), { recursive: true })
  tool('qemu-img', 'create', '-q', '-f', 'qcow2', '-F', 'raw', '-b', image, file, '8M')
  tool('qemu-io', '-f', 'qcow2', '-c', 'write -P 0x41 64k 64k', file)
  tool('qemu-img', 'rebase', '-u', '-F', 'raw', '-b', `/elsewhere/images/bases/${base}.raw`, file)
  const hostId = crypto.randomUUID()
  const facts: Facts = {
    ...read,
    hosts: [{ id: hostId, name: 'there', endpoint: 'unix:/elsewhere/agent.sock' }],
    instances: [{ id: instanceId, name: 'one', hostId, vmState: 'active' }],
    blobs: [{ id: base, format: 'raw', virtualBytes: mib, imageName: 'image' }],
  }
  const at = read.at
  const disks = [{ host: 'there', instanceId, diskId: instanceId, base, path: place, at, live: true }]
  return { facts, blobs: [{ id: base, sizeBytes }], disks, disk: { path: place, ...(await hashFile(file)) } }
}

/** Makes settings whose manifest has other modes, because a manifest may say anything. */
async function withSettings(dir: string) {
  const names = ['policy.yaml', 'corp-ca.pem', 'secrets/session', 'clouds.yaml']
  return Promise.all(
    names.map(async (name) => {
      const file = path.join(dir, 'files', name)
      fs.mkdirSync(path.dirname(file), { recursive: true })
      fs.writeFileSync(file, `{} # ${name}`)
      return { path: `files/${name}`, ...(await hashFile(file)), mode: 0o4755, owner: 12345 }
    }),
  )
}

/** The bytes that a guest would read from a disk. */
function seen(file: string): Buffer {
  const raw = path.join(work, 'seen.raw')
  tool('qemu-img', 'convert', '-f', 'qcow2', '-O', 'raw', file, raw)
  return fs.readFileSync(raw)
}

beforeAll(async () => {
  fs.mkdirSync(data, { recursive: true })
  fs.chmodSync(data, 0o755)
  own = await startPostgres(path.join(work, 'postgres'), { durable: false })
  const embedded = await startPostgres(path.join(data, 'postgres'), { durable: false })
  try {
    const url = await ensureDatabase(embedded.url, 'stratolith')
    await node('tools/migrate.ts', ['deploy'], { DATABASE_URL: url })
    await runMigrations({ connectionString: url })
    await acceptDatabase(url, where)
    await connected(url, (client) =>
      client.query(`INSERT INTO "Event" ("kind", "resourceKind", "resourceId") VALUES ('first', 'a', 'b')`),
    )
    // The smallest possible backup: the database, one image, one disk.
    made = '2026-01-02T03-04-05Z'
    const dir = path.join(backups, made)
    const folder = path.join(dir, 'database')
    const { read } = await dumpDatabase(url, folder, { read: (client) => readFactsOf(client, 'ctest') })
    if (!read) throw new Error('there are no facts')
    const { facts, blobs, disks, disk } = await withDisk(dir, read)
    const files = await Promise.all(
      fs.readdirSync(folder).map(async (name) => ({
        path: `database/${name}`,
        ...(await hashFile(path.join(folder, name))),
      })),
    )
    const finishedAt = new Date().toISOString()
    const rest = { files: [...files, disk, ...(await withSettings(dir))], blobs, disks, notes: [] }
    writeManifest(dir, { format: formatVersion, software: 'test', finishedAt, facts, ...rest })
  } finally {
    await embedded.stop()
  }
})
afterAll(async () => {
  await own?.stop()
  fs.rmSync(work, { recursive: true, force: true })
})

test('the embedded database can be moved once to a server of the operator, stays as it was, and is not followed any more', async () => {
  const target = await ensureDatabase(own.url, 'moved')
  const moved = type(['move-database', target])
  expect(moved.said).toContain(`DATABASE_URL=${target}`)
  expect(moved.status).toBe(0)
  expect(await events(target)).toEqual(['first'])
  // A move begins a new epoch of the event log.
  expect(await compareRows(target, readDump(path.join(backups, made, 'database')))).toEqual([
    'public.EventEpoch: 2 instead of 1',
  ])
  const old = await startPostgres(path.join(data, 'postgres'), { durable: false })
  const before = await ensureDatabase(old.url, 'stratolith')
  expect(await events(before)).toEqual(['first'])
  await expect(identify(before, where, false)).rejects.toThrow(/older copy/)
  await old.stop()
  expect(fs.existsSync(path.join(data, 'run/move-database'))).toBe(false)

  const again = type(['move-database', inject('postgresUrl').replace(/[^/]*$/, 'template')], target)
  expect(again.said).toMatch(/is not empty/)
  expect(again.status).toBe(1)
  const itself = type(['move-database', target], target)
  expect(itself.said).toMatch(/is in already/)
})

test('after a move the older copy cannot be moved again', async () => {
  const target = await ensureDatabase(own.url, 'again')
  const stale = type(['move-database', target])
  expect(stale.said).toMatch(/is an older copy of this cloud’s/)
  expect(stale.status).toBe(1)
  expect(await connected(target, userTables)).toEqual([])
  const moved = type(['move-database', target], await ensureDatabase(own.url, 'moved'))
  expect(moved.said).toContain(`DATABASE_URL=${target}`)
  expect(moved.said).toContain('The old database stays as it is and is refused from now on')
})

test('a restore into the operator’s database keeps its former contents, brings disks back and leaves existing disks', async () => {
  const target = await ensureDatabase(own.url, 'restored')
  const first = type(['restore', backups, '--yes'], target)
  expect(first).toMatchObject({ status: 0 })
  expect(first.said).toMatch(
    /with DATABASE_URL as it is now \(postgresql:\/\/stratolith@.*\/restored\): npm start/,
  )
  expect(await events(target)).toEqual(['first'])
  const disk = path.join(data, `hosts/here/instances/${instanceId}/disk-${instanceId}.qcow2`)
  const whole = seen(disk)
  expect(fs.readlinkSync(`${disk}.base`)).toMatch(/images\/bases\/[0-9a-f]{64}\.raw$/)
  expect(
    whole
      .subarray(0, mib)
      .toString('latin1')
      .replaceAll(/(.)\1*/g, '$1'),
  ).toBe('BAB')
  expect(whole.length).toBe(8 * mib)
  const who = (name: string) => {
    const { uid, gid, mode } = fs.lstatSync(path.join(data, name))
    return [uid, gid, (mode & 0o7777).toString(8)]
  }
  const { api } = serviceUsers()
  for (const name of ['policy.yaml', 'corp-ca.pem']) expect(who(name)).toEqual([0, api.gid, '640'])
  expect(who('secrets/session')).toEqual([0, 0, '600'])
  expect(fs.existsSync(path.join(data, 'clouds.yaml'))).toBe(false)
  // The guest has written since the backup, with a user of its own.
  fs.chownSync(disk, 12345, 12345)
  tool('qemu-io', '-f', 'qcow2', '-c', 'write -P 0x43 0 64k', disk)

  await connected(target, (client) =>
    client.query(`INSERT INTO "Event" ("kind", "resourceKind", "resourceId") VALUES ('later', 'a', 'b')`),
  )
  const refused = type(['restore', backups, '--yes'], target)
  expect(refused.said).toMatch(/--replace/)
  expect(refused.status).toBe(1)
  expect(await events(target)).toEqual(['first', 'later'])

  await connected(`${target}?application_name=stratolith-api`, async () => {
    const used = type(['restore', backups, '--yes', '--replace'], target)
    expect(used.said).toMatch(/stratolith-api, from .* still writes into/)
  })

  const replaced = type(['restore', backups, '--yes', '--replace'], target)
  expect(replaced.said).toContain('Restored.')
  expect(await events(target)).toEqual(['first'])
  expect(replaced.said).toMatch(/stay as they are, because they are there: one\./)
  expect(seen(disk).at(0)).toBe(0x43)
  const [aside = ''] = fs.globSync('database.before-restore-*', { cwd: data })
  expect(rowsOf(aside)).toBe(2)

  const back = type(['restore', backups, '--yes', '--replace', '--disks-from-backup'], target)
  expect(back.said).toMatch(/taken from the backup.*: one\./)
  expect(seen(disk).equals(whole)).toBe(true)
  const [trashed = ''] = fs.globSync(`hosts/here/trash/${instanceId}.${instanceId}@*`, { cwd: data })
  expect(seen(path.join(data, trashed)).at(0)).toBe(0x43)
  const links = [`${disk}.base`, path.join(data, trashed.replace(/@\d+$/, '.base'))]
  expect(links.map((link) => fs.existsSync(link))).toEqual([true, true])
  expect(fs.statSync(path.join(data, trashed)).uid).toBe(0)
})

/** Writes the marker of a restore that was killed; things with `time` in their name were set aside by it. */
const cutShort = (time: string, change: Partial<Marker>) =>
  fs.writeFileSync(
    path.join(data, 'restore.json'),
    JSON.stringify({
      ...{ folder: backups, backup: made, time, disksFromBackup: false, disks: [], database: false },
      ...change,
    } satisfies Marker),
  )
const rowsOf = (folder: string) =>
  readDump(path.join(data, folder)).tables.find((table) => table.name === 'Event')?.rows

test('a restore that was killed after filling the operator’s database goes on, and the database that was set aside stays', async () => {
  const target = await ensureDatabase(own.url, 'cut')
  await node('tools/migrate.ts', ['deploy'], { DATABASE_URL: target })
  await connected(target, (client) =>
    client.query(`INSERT INTO "Event" ("kind", "resourceKind", "resourceId") VALUES ('half', 'a', 'b')`),
  )
  const aside = 'database.before-restore-cut'
  fs.cpSync(path.join(backups, made, 'database'), path.join(data, aside), { recursive: true })
  const { host, pathname } = new URL(target)
  cutShort('cut', { into: `${host}${pathname}` })
  const elsewhere = type(['restore', backups, '--yes'])
  expect(elsewhere.said).toMatch(/Set DATABASE_URL as it was/)
  const again = type(['restore', backups, '--yes'], target)
  expect(again.said).toContain('Restored.')
  expect(await events(target)).toEqual(['first'])
  expect(rowsOf(aside)).toBe(1)
})

test('a restore that was killed after the change of names does not fill the embedded database again', () => {
  const aside = 'postgres.before-restore-cut'
  fs.mkdirSync(path.join(data, aside))
  fs.writeFileSync(path.join(data, aside, 'password'), 'the old one')
  cutShort('cut', { into: null })
  const inode = fs.statSync(path.join(data, 'postgres')).ino
  const again = type(['restore', backups, '--yes'])
  expect(again.said).toContain('Restored.')
  expect(fs.statSync(path.join(data, 'postgres')).ino).toBe(inode)
  expect(fs.readdirSync(path.join(data, aside))).toEqual(['password'])
  fs.rmSync(path.join(data, aside), { recursive: true })
})

test('a restore leaves a cloud alone that was started while its question was open', async () => {
  const { DATABASE_URL: _, ...env } = process.env
  const child = spawn(process.execPath, ['tools/backup/main.ts', 'restore', backups], {
    cwd: root,
    env: { ...env, STRATOLITH_DATA: data, STRATOLITH_HOST: 'here' },
  })
  let said = ''
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve))
  await new Promise<void>((resolve) => {
    const hear = (chunk: Buffer) => {
      said += chunk.toString()
      if (said.includes('Type “restore”')) resolve()
    }
    child.stdout.on('data', hear)
    child.stderr.on('data', hear)
    child.on('close', () => resolve())
  })
  const unlock = takeLock(path.join(data, 'hosts/here/agent.lock'))
  child.stdin.end('restore\n')
  expect(await ended).toBe(1)
  unlock()
  expect(said).toMatch(/Another agent/)
  expect(fs.existsSync(path.join(data, 'restore.json'))).toBe(false)
})

test('a restore needs a confirmation, and a manifest without its right checksum is refused', () => {
  const asked = type(['restore', backups])
  expect(asked.said).toContain('Type “restore” to go on')
  expect(asked.said).toContain('Nothing was changed.')
  expect(fs.readdirSync(data).filter((name) => name.startsWith('postgres'))).toEqual(['postgres'])
  const file = path.join(backups, made, 'manifest.json')
  fs.writeFileSync(file, fs.readFileSync(file, 'utf8').replace('"test"', '"tesu"'))
  const damaged = type(['restore', backups, '--yes'])
  expect(damaged.said).toMatch(/manifest\.json is damaged/)
  expect(damaged.status).toBe(1)
})
