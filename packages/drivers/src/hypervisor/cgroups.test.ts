import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { Cgroups } from './cgroups.ts'

/** Each tree is made of plain files: the test first puts there the files that the kernel would make in a new group. */
const root = fs.mkdtempSync(path.join(os.tmpdir(), 'stratolith-cgroups-'))
afterAll(() => fs.rmSync(root, { recursive: true }))

const shares = { vcpus: 2, memoryMib: 1024, disks: 1 }
function tree(name: string, files: Record<string, string>): string {
  for (const [file, text] of Object.entries(files)) {
    fs.mkdirSync(path.dirname(path.join(root, name, file)), { recursive: true })
    fs.writeFileSync(path.join(root, name, file), text)
  }
  return path.join(root, name)
}
const read = (...parts: string[]) => fs.readFileSync(path.join(root, ...parts), 'utf8')
function open(name: string, mounts: string[], scheduler = '[none] bfq') {
  const mountinfo = path.join(root, `${name}.mountinfo`)
  fs.writeFileSync(mountinfo, ['23 1 8:1 / / rw - ext4 /dev/sda rw', ...mounts, ''].join('\n'))
  const blockDevices = path.dirname(tree(`${name}.block/vda`, { 'queue/scheduler': scheduler }))
  return Cgroups.open({ mountinfo, blockDevices })
}
const mount2 = (directory: string) => `41 31 0:38 / ${directory} rw,relatime - cgroup2 cgroup2 rw`
const mount1 = (directory: string, names: string) =>
  `32 31 0:29 / ${directory} rw shared:9 - cgroup cgroup rw,${names}`

test('version 2: the controllers that are delegated to us bound a guest', async () => {
  const directory = tree('two', {
    'cgroup.controllers': 'cpuset cpu io memory pids\n',
    'stratolith/cgroup.controllers': 'cpu io memory pids\n',
    'stratolith/io.bfq.weight': 'default 100\n',
  })
  const cgroups = await open('two', [mount2(directory)], 'none [bfq]')
  const controllers = ['cpu', 'memory', 'pids', 'io']
  expect(cgroups.facts).toEqual({ cgroup: 'v2', controllers, reason: null })
  expect(read('two/cgroup.subtree_control')).toBe('+io')
  expect(read('two/stratolith/cgroup.subtree_control')).toBe('+io')
  await cgroups.place('guest', 4711, shares)
  const of = (file: string) => read('two/stratolith/guest', file)
  expect(of('cpu.weight')).toBe('200')
  expect(Number(of('memory.max'))).toBe((1024 + 384 + 40 + 8) * 1024 ** 2)
  expect(of('pids.max')).toBe('258')
  expect(of('io.bfq.weight')).toBe('200')
  expect(of('cgroup.procs')).toBe('4711')
})

test('version 2 beside version 1: version 1 is used when version 2 has no controller for us', async () => {
  const unified = tree('both/unified', { 'cgroup.controllers': 'hugetlb\n' })
  fs.mkdirSync(path.join(root, 'both/memory'))
  const cgroups = await open('both', [mount2(unified), mount1(path.join(root, 'both/memory'), 'memory')])
  expect(cgroups.facts).toMatchObject({ cgroup: 'v1', controllers: ['memory'] })
  expect(cgroups.facts.reason).toContain('Not bounded: cpu, pids, io.')
  expect(fs.existsSync(path.join(unified, 'stratolith'))).toBe(false)
})

test('when no cgroup can be made, the facts say so and guests run unbounded', async () => {
  // A file lies where a folder would have to be: root can write there as little as in a read-only mount.
  const closed = tree('closed', { 'cgroup.controllers': 'cpu memory\n', stratolith: '' })
  const cgroups = await open('closed', [mount2(closed)])
  expect(cgroups.facts).toMatchObject({ cgroup: 'none', controllers: [] })
  expect(cgroups.facts.reason).toContain(`Nothing can be made in ${closed} (EEXIST).`)
  await cgroups.place('guest', 4711, shares)
  await cgroups.remove('guest')
  const none = await open('none', [])
  expect(none.facts).toMatchObject({ cgroup: 'none', controllers: [] })
  expect(none.facts.reason).toContain('No cgroup can be made here.')
})

test('version 1: the guest is in each hierarchy, and controllers that share a hierarchy are bounded there', async () => {
  const cpu = tree('one/cpu,cpuacct', {})
  fs.mkdirSync(path.join(root, 'one/cpu,cpuacct'), { recursive: true })
  fs.mkdirSync(path.join(root, 'one/memory'), { recursive: true })
  fs.mkdirSync(path.join(root, 'one/pids'), { recursive: true })
  const cgroups = await open('one', [
    mount1(cpu, 'cpu,cpuacct'),
    mount1(path.join(root, 'one/memory'), 'memory'),
    mount1(path.join(root, 'one/pids'), 'pids'),
  ])
  expect(cgroups.facts).toMatchObject({ cgroup: 'v1', controllers: ['cpu', 'memory', 'pids'] })
  expect(cgroups.facts.reason).toContain('Not bounded: io.')
  expect(cgroups.facts.reason).toContain('bfq')
  await cgroups.place('guest', 4711, shares)
  expect(read('one/cpu,cpuacct/stratolith/guest/cpu.shares')).toBe('2048')
  expect(read('one/cpu,cpuacct/stratolith/guest/cgroup.procs')).toBe('4711')
  expect(Number(read('one/memory/stratolith/guest/memory.limit_in_bytes'))).toBe(
    (1024 + 384 + 40 + 8) * 1024 ** 2,
  )
  expect(read('one/pids/stratolith/guest/pids.max')).toBe('258')
})
