import { execFileSync } from 'node:child_process'
import crypto from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { type Api, type Cloud, signedIn } from '../../e2e/support/cloud.ts'
import { cat } from './machine.ts'
import { type Report, timed } from './report.ts'
import { made, volumeIs, waited } from './volumes.ts'

const mib = 1024 ** 2
const sizeBytes = 1024 * mib
const changedBytes = 64 * mib

/**
 * Measures backups of a volume without a guest that is full of random bytes, which no compression makes smaller, beside `cat` of as many
 * bytes to the same disk.
 */
export async function backups(cloud: Cloud, report: Report): Promise<void> {
  const { api } = await signedIn(cloud, 'demo')
  const id = await made(api, { sizeGib: sizeBytes / 1024 ** 3 })
  const [dir] = fs.globSync(`hosts/*/volumes/local/data/${id}`, { cwd: cloud.data })
  if (dir === undefined) throw new Error('The volume lies in no pool of this machine.')
  const place = path.join(cloud.data, dir)
  fill(path.join(place, '0.raw'), sizeBytes)
  const floor = catMs(path.join(place, '0.raw'), path.join(cloud.data, 'bench.cat'))
  const rate = (bytes: number, ms: number) => bytes / 1e6 / (ms / 1000)
  const full = await timed(() => backedUp(api, { volumeId: id, name: 'full' }))
  report({
    ...{ metric: 'full backup of 1 GiB', value: rate(sizeBytes, full.ms), unit: 'MB/s' },
    ...{ floor: rate(sizeBytes, floor), target: '≥ 70 % of the floor' },
    note: 'random bytes, of a free volume, from the request until it is available; floor: cat to the same disk and sync',
  })
  change(place)
  const changed = await timed(() => backedUp(api, { volumeId: id, name: 'changed', incremental: true }))
  report({
    ...{ metric: `incremental backup of ${changedBytes / mib} MiB in 1 GiB`, value: changed.ms, unit: 'ms' },
    floor: floor * (changedBytes / sizeBytes),
    note: 'floor: cat of as many bytes',
  })
  const restored = await timed(async () => {
    const { volumeId } = await api.volumes.backups.restore.mutate({ id: changed.value })
    await volumeIs(api, volumeId, 'available')
    return volumeId
  })
  report({
    ...{ metric: 'restore of 1 GiB to a new volume', value: rate(sizeBytes, restored.ms), unit: 'MB/s' },
    ...{ floor: rate(sizeBytes, floor), note: 'each chunk is compared with its checksum' },
  })
  for (const backup of [changed.value, full.value]) {
    await api.volumes.backups.delete.mutate({ id: backup })
    await api.volumes.backups.trash.end.mutate({ id: backup })
  }
  for (const volume of [restored.value, id]) {
    await api.volumes.delete.mutate({ id: volume })
    await api.volumes.trash.end.mutate({ id: volume })
  }
}

async function backedUp(
  api: Api,
  wish: { volumeId: string; name: string; incremental?: boolean },
): Promise<string> {
  const { id } = await api.volumes.backups.create.mutate(wish)
  await waited(async () => (await api.volumes.backups.get.query({ id })).state, 'available')
  return id
}

function fill(file: string, bytes: number): void {
  const handle = fs.openSync(file, 'r+')
  for (let at = 0; at < bytes; at += mib) fs.writeSync(handle, crypto.randomBytes(mib), 0, mib, at)
  fs.fsyncSync(handle)
  fs.closeSync(handle)
}

/** Writes into the layer in which everything lies that has changed since the last backup. */
function change(place: string): void {
  const last = fs
    .readdirSync(place)
    .filter((name) => name.endsWith('.qcow2'))
    .sort()
    .at(-1)
  if (last === undefined) throw new Error('The backup has not begun a new layer.')
  const random = path.join(place, 'bench.random')
  fs.writeFileSync(random, '')
  fill(random, changedBytes)
  execFileSync('qemu-io', [
    '-f',
    'qcow2',
    '-c',
    `write -q -s ${random} 0 ${changedBytes}`,
    path.join(place, last),
  ])
  fs.rmSync(random)
}

function catMs(from: string, to: string): number {
  const ms = cat(from, to, true)
  fs.rmSync(to)
  return ms
}
