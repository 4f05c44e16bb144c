import type { HostsSummary } from '@stratolith/api/hosts/contract'
import type { SystemView } from '@stratolith/api/system/contract'
import { expect, test } from 'vitest'
import { warningsOf } from './warnings.ts'

const room = { used: 1, total: 10 }
const hosts: HostsSummary = {
  ...{ up: 2, suspect: 0, down: 0, fenced: 0, disabled: 0 },
  ...{ vcpus: room, memoryMib: room, diskGib: room },
}
const gib = 1024 ** 3
const info = {
  disk: { totalBytes: 100 * gib, freeBytes: 50 * gib },
  jobs: { waiting: 3, failed: 0 },
  heldBack: null,
  processes: [{ name: 'api', running: true }],
} as unknown as SystemView
const texts = (...args: Parameters<typeof warningsOf>) => warningsOf(...args).map(({ text }) => text)

test('a healthy cloud, and a cloud of which nothing is known yet, have no warnings', () => {
  expect(texts(hosts, info)).toEqual([])
  expect(texts(undefined, undefined)).toEqual([])
})

test('severe warnings come first', () => {
  const full = { used: 9, total: 10 }
  expect(
    texts(
      { ...hosts, down: 1, fenced: 2, memoryMib: full },
      { ...info, disk: { totalBytes: 100 * gib, freeBytes: 4 * gib }, jobs: { waiting: 101, failed: 2 } },
    ),
  ).toEqual([
    '1 host does not answer. Instances there may be off.',
    'The disk of the control plane has 4 GiB left of 100 GiB.',
    '2 jobs have failed for good.',
    '2 hosts are declared fenced.',
    'Hosts have little left to give out: memory.',
    '101 jobs wait for a worker.',
  ])
})

test('warns of a disk that will be full soon and of a full disk', () => {
  const severe = (freeGib: number) =>
    warningsOf(hosts, { ...info, disk: { totalBytes: 100 * gib, freeBytes: freeGib * gib } }).map(
      (one) => one.severe,
    )
  expect([severe(20), severe(10), severe(1)]).toEqual([[], [false], [true]])
})

test('warns when no host is up, and when a process of the control plane does not run', () => {
  expect(texts({ ...hosts, up: 0, suspect: 2 }, undefined)).toEqual([
    'No host is up: nothing can be launched.',
    '2 hosts do not answer just now and may come back.',
  ])
  const processes = [{ name: 'worker', running: false }] as SystemView['processes']
  expect(texts(undefined, { ...info, processes })).toEqual(['Not running on the control plane: worker.'])
})
