import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Api, type Cloud, signedIn } from '../../e2e/support/cloud.ts'
import { median, percentile, type Report, timed } from './report.ts'

const rounds = 7
const sizeGib = 10

/**
 * Measures volumes of a running cloud, beside `qemu-img create` of as large a file: from the request to the state that
 * the owner waits for, asked every 5 ms. The first round warms the connections and is not counted.
 */
export async function volumes(cloud: Cloud, report: Report, instanceId: string | null): Promise<void> {
  const { api } = await signedIn(cloud, 'demo')
  const image = (await api.images.list.query({ search: 'Tiny test image' })).items.find(
    (one) => one.state === 'active',
  )
  if (!image) throw new Error('The cloud has no image to make volumes of.')
  const times: Record<string, number[]> = { post: [], blank: [], image: [], snapshot: [], copy: [] }
  const keep = (name: string, round: number, ms: number) => round > 0 && times[name]?.push(ms)
  for (let round = 0; round <= rounds; round++) {
    const from = performance.now()
    const { id } = await api.volumes.create.mutate({ name: 'bench', sizeGib })
    keep('post', round, performance.now() - from)
    await volumeIs(api, id, 'available')
    keep('blank', round, performance.now() - from)
    const ofImage = await timed(() => made(api, { imageId: image.id, sizeGib: 1 }))
    keep('image', round, ofImage.ms)
    const snapshot = await timed(() => snapshotOf(api, id))
    keep('snapshot', round, snapshot.ms)
    const copy = await timed(() => made(api, { snapshotId: snapshot.value }))
    keep('copy', round, copy.ms)
    await removed(api, [snapshot.value], [id, ofImage.value, copy.value])
  }
  const floor = floors(cloud)
  const say = (metric: string, name: string, more: { floor?: number; target: string; note: string }) =>
    report({ metric, value: median(times[name] ?? []), unit: 'ms', ...more })
  const p99 = percentile(times.post ?? [], 0.99).toFixed(0)
  say('POST a volume', 'post', { target: '≤ 15', note: `p99 ${p99} ms; answered when the order is durable` })
  const such = 'floor: qemu-img create of such a file'
  say('empty volume to available', 'blank', {
    ...{ floor: floor.raw, target: '≤ 40' },
    note: `${sizeGib} GiB, median of ${rounds}; ${such}`,
  })
  say('volume of an image to available', 'image', { floor: floor.qcow2, target: '≤ 150', note: such })
  say('snapshot to available', 'snapshot', {
    ...{ floor: floor.qcow2, target: '≤ 100' },
    note: `of a free volume of ${sizeGib} GiB; ${such}`,
  })
  say('volume of a snapshot to available', 'copy', { floor: floor.qcow2, target: '≤ 150', note: such })
  if (instanceId !== null) await inUse(api, report, instanceId)
}

/** Attaches a volume to a running guest, keeps it in snapshots and makes it larger. */
async function inUse(api: Api, report: Report, instanceId: string): Promise<void> {
  const id = await made(api, { sizeGib })
  const attached = await timed(async () => {
    await api.compute.instances.attachVolume.mutate({ id: instanceId, volumeId: id })
    await volumeIs(api, id, 'in-use')
  })
  report({
    ...{ metric: 'volume attached to a running guest', value: attached.ms, unit: 'ms', target: '≤ 300' },
    note: 'to in-use: the guest’s QEMU has it',
  })
  const taken: number[] = []
  for (let n = 0; n < rounds; n++) {
    const { ms, value } = await timed(() => snapshotOf(api, id))
    taken.push(ms)
    await removed(api, [value], [])
  }
  report({
    ...{ metric: 'snapshot of an attached volume to available', unit: 'ms', target: '≤ 100' },
    value: median(taken),
    note: `${sizeGib} GiB, median of ${rounds}; the guest agent holds the file systems still`,
  })
  const grown = await timed(async () => {
    await api.volumes.extend.mutate({ id, sizeGib: sizeGib + 1 })
    await volumeIs(api, id, 'in-use')
  })
  report({ metric: 'attached volume made larger', value: grown.ms, unit: 'ms', note: '10 to 11 GiB' })
}

type Wish = { sizeGib?: number; imageId?: string; snapshotId?: string }
export async function made(api: Api, wish: Wish): Promise<string> {
  const { id } = await api.volumes.create.mutate({ name: 'bench', ...wish })
  await volumeIs(api, id, 'available')
  return id
}

async function snapshotOf(api: Api, volumeId: string): Promise<string> {
  const { id } = await api.volumes.snapshots.create.mutate({ volumeId })
  await waited(async () => (await api.volumes.snapshots.get.query({ id })).state, 'available')
  return id
}

export const volumeIs = (api: Api, id: string, state: string): Promise<void> =>
  waited(async () => (await api.volumes.get.query({ id })).state, state)

export async function waited(stateOf: () => Promise<string>, wanted: string): Promise<void> {
  for (const end = Date.now() + 120_000; Date.now() < end; await sleep(5)) {
    const state = await stateOf()
    if (state === wanted) return
    if (state.startsWith('error')) throw new Error(`The state is ${state} instead of ${wanted}.`)
  }
  throw new Error(`The state is not ${wanted} within 120 s.`)
}

/** Deletes these for good, one after the other, because the room that they take is needed by the next round. */
async function removed(api: Api, snapshots: readonly string[], ids: readonly string[]): Promise<void> {
  for (const id of snapshots) {
    await api.volumes.snapshots.delete.mutate({ id })
    await gone(() => api.volumes.snapshots.get.query({ id }))
  }
  for (const id of ids) {
    await api.volumes.delete.mutate({ id })
    await api.volumes.trash.end.mutate({ id })
    await waited(async () => {
      const { items } = await api.volumes.trash.list.query({ id })
      return items.length === 0 ? 'gone' : 'there'
    }, 'gone')
  }
}

const gone = (look: () => Promise<unknown>): Promise<void> =>
  waited(
    () =>
      look().then(
        () => 'there',
        () => 'gone',
      ),
    'gone',
  )

/** What `qemu-img create` of a file takes on the same disk, in ms, median of some. */
function floors(cloud: Cloud): { raw: number; qcow2: number } {
  const dir = fs.mkdtempSync(path.join(cloud.data, 'bench-'))
  const of = (format: 'raw' | 'qcow2') => {
    const runs = Array.from({ length: rounds }, (_, n) => {
      const from = performance.now()
      execFileSync('qemu-img', [
        'create',
        '-q',
        '-f',
        format,
        path.join(dir, `${n}.${format}`),
        `${sizeGib}G`,
      ])
      return performance.now() - from
    })
    return median(runs)
  }
  try {
    return { raw: of('raw'), qcow2: of('qcow2') }
  } finally {
    fs.rmSync(dir, { recursive: true })
  }
}
