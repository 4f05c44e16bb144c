import { execFileSync, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { Readable } from 'node:stream'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { testGuestDisk } from './hypervisor/boot-sector.ts'
import { op, plainSpec, until } from './hypervisor/conformance-world.ts'
import { claimsDirectory } from './hypervisor/identity.ts'
import { type QemuHarness, qemuHarness } from './hypervisor/qemu.testing.ts'
import { createFilesDriver } from './storage/files.ts'
import { openImageStore } from './storage/image-store.ts'

/**
 * Starts two real guests on overlays of one image and tries what a process with the user of one guest can do
 * to the other. Each access is tried with the owner's user as well, so that a refusal proves something.
 */
const namespace = `stt${randomUUID().slice(0, 4)}-kept-apart`
const taps = ['tapone', 'taptwo', 'tapnew'] as const
let harness: QemuHarness
let images: string
let blob: string
const guests: { id: string; uid: number; pid: number; home: string; disk: string }[] = []
const one = () => guests[0] ?? never()
const two = () => guests[1] ?? never()
function never(): never {
  throw new Error('beforeAll has started two guests')
}

const nic = (tap: string) => ({ portId: tap, tap, mac: 'fa:16:3e:00:00:01', mtu: 1450 })
const ownerOf = (tap: string) =>
  Number(
    / user (\S+)/.exec(
      execFileSync('ip', ['-n', namespace, '-d', 'link', 'show', tap], { encoding: 'utf8' }),
    )?.[1],
  )
const statusOf = (pid: number) => fs.readFileSync(`/proc/${pid}/status`, 'latin1')
const idsOf = (pid: number) => ({
  users: /^Uid:\t(.*)$/m.exec(statusOf(pid))?.[1]?.split('\t').map(Number),
  groups: /^Groups:\t(.*)$/m.exec(statusOf(pid))?.[1]?.trim(),
})

/** Runs a program as that user and nobody else; true when it succeeds. */
function can(uid: number, ...argv: string[]): boolean {
  const as = [
    `--reuid=${uid}`,
    `--regid=${uid}`,
    '--clear-groups',
    '--no-new-privs',
    '--bounding-set=-all',
    '--inh-caps=-all',
    '--',
  ]
  try {
    execFileSync('setpriv', [...as, ...argv], { stdio: 'ignore', cwd: '/', timeout: 20_000 })
    return true
  } catch {
    return false
  }
}
const canRead = (uid: number, file: string) => can(uid, 'head', '-c', '1', file)
const canConnect = (uid: number, socket: string) =>
  can(
    uid,
    'perl',
    '-MSocket',
    '-e',
    'socket(my $s, PF_UNIX, SOCK_STREAM, 0); connect($s, sockaddr_un($ARGV[0])) or exit 1',
    socket,
  )
const canSignal = (uid: number, pid: number) => can(uid, 'sh', '-c', 'kill -0 "$1"', 'sh', String(pid))

async function launch(tap: string) {
  const id = randomUUID()
  const storage = createFilesDriver({ imagesDir: images, dir: harness.dir })
  const base = { blobId: blob, format: 'raw' as const }
  await storage.ensureBase(op, { ...base, maxVirtualBytes: 1e9 })
  const disk = await storage.ensureDisk(op, {
    id,
    instanceId: id,
    projectId: 'p',
    sizeGib: 1,
    base,
    mode: 'overlay',
  })
  if (!disk) never()
  const { pid } = await harness.driver.ensure(op, {
    ...plainSpec(id),
    disks: [{ id, path: disk.path, format: disk.format, boot: true }],
    nics: [nic(tap)],
  })
  await harness.booted(id)
  const home = path.join(harness.dir, 'instances', id)
  const uid = Number(fs.readFileSync(path.join(home, 'uid'), 'utf8'))
  guests.push({ id, uid, pid: pid ?? never(), home, disk: disk.path })
}

beforeAll(async () => {
  execFileSync('ip', ['netns', 'add', namespace])
  for (const tap of taps)
    execFileSync('ip', ['-n', namespace, 'tuntap', 'add', 'dev', tap, 'mode', 'tap', 'user', '0', 'vnet_hdr'])
  harness = await qemuHarness({ netns: namespace, accel: 'tcg', diskPathOf: undefined })
  images = path.join(harness.dir, 'images')
  fs.mkdirSync(images, { mode: 0o755 })
  const store = openImageStore(images)
  const { sha256 } = await store.stage(
    '00000000-0000-4000-8000-000000000000',
    Readable.from([testGuestDisk()]),
    {
      maxBytes: 1e9,
    },
  )
  await store.commit('00000000-0000-4000-8000-000000000000', sha256)
  blob = sha256
  await launch('tapone')
  await launch('taptwo')
})
afterAll(async () => {
  await harness.destroy()
  execFileSync('ip', ['netns', 'del', namespace])
})

describe('guests are kept apart', () => {
  test('each runs as a user of its own, without a group that it does not need', async () => {
    const { groups } = JSON.parse(fs.readFileSync(path.join(harness.dir, 'accel.json'), 'utf8')) as {
      groups: number[]
    }
    expect(one().uid).not.toBe(two().uid)
    for (const { uid, pid } of guests) {
      expect(idsOf(pid)).toEqual({ users: [uid, uid, uid, uid], groups: groups.join(' ') })
      expect(fs.readlinkSync(path.join(claimsDirectory, String(uid)))).toContain(harness.dir)
    }
    expect(ownerOf('tapone')).toBe(one().uid)
    expect(ownerOf('taptwo')).toBe(two().uid)
  })

  test('no guest reads the other’s disk or records, while the owner reads its own disk', () => {
    expect(canRead(two().uid, two().disk)).toBe(true)
    expect(canRead(one().uid, two().disk)).toBe(false)
    expect(can(one().uid, 'sh', '-c', ': >> "$1"', 'sh', two().disk)).toBe(false)
    for (const { uid } of guests) {
      expect(can(uid, 'ls', two().home)).toBe(false)
      for (const file of ['spec.json', 'run.json', 'serial.log', 'qemu.log', 'uid'])
        expect(canRead(uid, path.join(two().home, file))).toBe(false)
    }
  })

  test('a guest cannot give its files names outside of the folder of guests, where they would outlive it', () => {
    const { uid, pid, disk, home } = two()
    const inside = (file: string, to: string) => {
      const as = [`--reuid=${uid}`, `--regid=${uid}`, '--clear-groups', '--no-new-privs', '--']
      const enter = ['-t', String(pid), '-m', `--wdns=${path.join(home, 'run')}`, '--']
      try {
        execFileSync('nsenter', [...enter, 'setpriv', ...as, 'ln', file, to], { stdio: 'pipe' })
        return 'linked'
      } catch (error) {
        return String((error as { stderr: Buffer }).stderr)
      }
    }
    const outside = `/var/tmp/stratolith-link-${randomUUID()}`
    expect(inside(disk, path.join(home, 'run/link'))).toBe('linked')
    expect(inside(disk, outside)).toContain('Invalid cross-device link')
    expect(inside(`/proc/${pid}/cwd/link`, outside)).toContain('Invalid cross-device link')
    expect(fs.existsSync(outside)).toBe(false)
    fs.rmSync(path.join(home, 'run/link'))
  })

  test('no guest reaches a socket of the other', () => {
    for (const name of ['qmp', 'vnc', 'serial', 'qga']) {
      const socket = path.join(two().home, 'run', name)
      expect([name, canConnect(two().uid, socket)]).toEqual([name, true])
      expect(canConnect(one().uid, socket)).toBe(false)
    }
  })

  test('no guest can signal or inspect the other’s QEMU', () => {
    const { pid } = two()
    expect(canSignal(two().uid, pid)).toBe(true)
    expect(canSignal(one().uid, pid)).toBe(false)
    expect(canRead(two().uid, `/proc/${pid}/environ`)).toBe(true)
    expect(canRead(one().uid, `/proc/${pid}/environ`)).toBe(false)
    expect(can(one().uid, 'sh', '-c', ': < "$1"', 'sh', `/proc/${pid}/mem`)).toBe(false)
    expect(can(one().uid, 'ls', `/proc/${pid}/fd/`)).toBe(false)
  })

  test('no guest can open an image by its path; QEMU gets the base of a disk as a descriptor', () => {
    const { uid } = one()
    const base = path.join(images, 'bases', `${blob}.raw`)
    expect(canRead(0, base)).toBe(true)
    for (const file of [base, path.join(images, 'blobs', blob)]) expect(canRead(uid, file)).toBe(false)
    for (const folder of ['bases', 'blobs', 'staging'])
      expect(can(uid, 'ls', path.join(images, folder))).toBe(false)
    const open = fs
      .readdirSync(`/proc/${one().pid}/fd`)
      .map((fd) => fs.readlinkSync(`/proc/${one().pid}/fd/${fd}`))
    expect(open).toContain(base)
  })

  test('a base that a guest’s QEMU has written into the header of its disk is ignored', async () => {
    const { id, disk } = two()
    const header = fs.readFileSync(disk)
    const at = header.indexOf(blob)
    expect(at).toBeGreaterThan(0)
    await harness.driver.stop(op, id)
    const file = fs.openSync(disk, 'r+')
    fs.writeSync(file, '0'.repeat(64), at)
    fs.closeSync(file)
    const { pid } = await harness.driver.start(op, id)
    await harness.booted(id)
    Object.assign(two(), { pid })
    expect(idsOf(two().pid).users?.[0]).toBe(two().uid)
    // The header is ignored also when the link to the base is missing.
    await harness.driver.stop(op, id)
    fs.renameSync(`${disk}.base`, `${disk}.aside`)
    await expect(harness.driver.start(op, id)).rejects.toThrow('is not recorded')
    fs.renameSync(`${disk}.aside`, `${disk}.base`)
    Object.assign(two(), { pid: (await harness.driver.start(op, id)).pid })
    await harness.booted(id)
  })

  test.each([
    ['somewhere else', (_own: string, secret: string) => secret],
    ['behind a link', (own: string, secret: string) => fs.symlinkSync(secret, own) ?? own],
    ['a folder', (own: string) => fs.mkdirSync(own) ?? own],
  ])('a disk that is %s is refused, and the file there keeps its owner', async (_what, place) => {
    const id = randomUUID()
    const secret = path.join(harness.dir, `${id}.secret`)
    fs.writeFileSync(secret, 'root alone', { mode: 0o640 })
    const home = path.join(harness.dir, 'instances', id)
    fs.mkdirSync(home)
    const at = place(path.join(home, `disk-${id}.qcow2`), secret)
    const spec = { ...plainSpec(id), disks: [{ id, path: at, format: 'raw' as const, boot: true }] }
    await expect(harness.driver.ensure(op, spec)).rejects.toMatchObject({ code: 'invalid' })
    expect(fs.statSync(secret)).toMatchObject({ uid: 0, gid: 0 })
    expect(fs.statSync(secret).mode & 0o777).toBe(0o640)
    fs.rmSync(home, { recursive: true, force: true })
  })

  test('a link that a guest’s QEMU has put in place of its socket is not followed', async () => {
    const { id, home } = one()
    const [vnc, aside] = [path.join(home, 'run/vnc'), path.join(home, 'run/aside')]
    const console = () => harness.driver.console.open(op, id, 'vnc')
    const plain = await console()
    plain.destroy()
    fs.renameSync(vnc, aside)
    for (const other of [path.join(two().home, 'run/vnc'), aside]) {
      fs.symlinkSync(other, vnc)
      await expect(console()).rejects.toMatchObject({ code: 'unavailable' })
      fs.rmSync(vnc)
    }
    // A hard link to a socket of the other guest.
    fs.linkSync(path.join(two().home, 'run/vnc'), vnc)
    await expect(console()).rejects.toMatchObject({ code: 'unavailable' })
    fs.renameSync(aside, vnc)
    const again = await console()
    again.destroy()
  })

  test('processes that a guest’s QEMU has left behind end with the guest and before its next start', async () => {
    const { id, uid } = two()
    const stray = () => {
      const ids = ['--reuid', String(uid), '--regid', String(uid), '--clear-groups']
      const child = spawn('setpriv', [...ids, 'sleep', '1000'], { cwd: '/', stdio: 'ignore' })
      return new Promise<void>((resolve) => child.once('exit', () => resolve()))
    }
    const runs = () =>
      fs.readdirSync('/proc').some((pid) => {
        try {
          return /^\d+$/.test(pid) && pid !== String(two().pid) && idsOf(Number(pid)).users?.[0] === uid
        } catch {
          return false
        }
      })
    const first = stray()
    await until(runs, 10_000)
    await harness.driver.stop(op, id)
    await first
    const second = stray()
    await until(runs, 10_000)
    Object.assign(two(), { pid: (await harness.driver.start(op, id)).pid })
    await second
    await harness.booted(id)
  })

  test('the tap of a NIC that is plugged in while the guest runs becomes the guest’s own', async () => {
    expect(ownerOf('tapnew')).toBeNaN() // The owner is root, which iproute2 prints as a name.
    const nics = [nic('tapone'), { ...nic('tapnew'), mac: 'fa:16:3e:00:00:02' }]
    await harness.driver.plug(op, one().id, { nics, volumes: [] })
    expect(ownerOf('tapnew')).toBe(one().uid)
  })
})

describe('the resources of a guest are bounded', () => {
  const cgroupsOf = (pid: number) => fs.readFileSync(`/proc/${pid}/cgroup`, 'utf8')
  const files = (id: string) =>
    ['/sys/fs/cgroup', ...fs.readdirSync('/sys/fs/cgroup').map((name) => `/sys/fs/cgroup/${name}`)]
      .map((mount) => `${mount}/stratolith/${id}`)
      .filter((group) => fs.existsSync(group))
  /** Removes the guest's groups, as if it had been started without any, and the parent group with the last of them. */
  function unbind(id: string): void {
    for (const group of files(id)) {
      for (const pid of fs.readFileSync(`${group}/cgroup.procs`, 'utf8').trim().split('\n'))
        if (pid) fs.writeFileSync(path.join(group, '../../cgroup.procs'), pid)
      fs.rmdirSync(group)
      if (!fs.readdirSync(path.dirname(group), { withFileTypes: true }).some((entry) => entry.isDirectory()))
        fs.rmdirSync(path.dirname(group))
    }
  }
  const score = (pid: number) => fs.readFileSync(`/proc/${pid}/oom_score_adj`, 'utf8').trim()
  const file = {
    cpu: ['cpu.weight', 'cpu.shares'],
    memory: ['memory.max', 'memory.limit_in_bytes'],
    pids: ['pids.max'],
  }

  test('by the controllers that this kernel has, and the facts list them', async () => {
    const { isolation } = await harness.driver.probe(op)
    const { id, pid } = one()
    expect(isolation.users).toBe(true)
    expect(score(pid)).toBe('500')
    const groups = files(id)
    const read = (names: string[]) =>
      groups.flatMap((group) =>
        names
          .filter((name) => fs.existsSync(`${group}/${name}`))
          .map((name) => fs.readFileSync(`${group}/${name}`, 'utf8').trim()),
      )
    expect(isolation.cgroup === 'none').toBe(groups.length === 0)
    expect(isolation.cgroup === 'none' || isolation.controllers.length > 0).toBe(true)
    expect(isolation.reason === null).toBe(isolation.controllers.length === 4)
    for (const group of groups)
      expect(fs.readFileSync(`${group}/cgroup.procs`, 'utf8').split('\n')).toContain(String(pid))
    if (isolation.controllers.includes('cpu')) expect(['100', '1024']).toContain(read(file.cpu)[0])
    if (isolation.controllers.includes('pids')) expect(read(file.pids)).toContain('257')
    if (isolation.controllers.includes('memory')) {
      const [limit] = read(file.memory).map((bytes) => Number(bytes) / 1024 ** 2)
      expect(limit).toBeGreaterThan(32 + 256)
      expect(limit).toBeLessThan(1024)
    }
  })

  test('a guest that an older agent left unbounded is bounded when it is found', async () => {
    const { id, pid } = one()
    const { isolation } = await harness.driver.probe(op)
    for (const guest of guests) unbind(guest.id)
    fs.writeFileSync(`/proc/${pid}/oom_score_adj`, '0')
    expect(cgroupsOf(pid)).not.toContain(id)
    await harness.abandon()
    await harness.reopen()
    expect(await harness.driver.get(op, id)).toMatchObject({ power: 'running', pid })
    expect(cgroupsOf(pid).includes(id)).toBe(isolation.cgroup !== 'none')
    expect(score(pid)).toBe('500')
  })

  test('also when the parent group has gone since the agent started', async () => {
    const { isolation } = await harness.driver.probe(op)
    for (const guest of guests) unbind(guest.id)
    const { pid } = await harness.driver.reboot(op, two().id)
    expect(cgroupsOf(pid ?? 0).includes(two().id)).toBe(isolation.cgroup !== 'none')
  })

  test('a guest keeps its user over restarts, and the user owns its disk and is free once the guest is removed', async () => {
    const { id, uid, disk, home } = one()
    await harness.driver.stop(op, id)
    fs.chownSync(disk, 64_123, 64_123)
    const { pid } = await harness.driver.start(op, id)
    expect(idsOf(pid ?? 0).users?.[0]).toBe(uid)
    expect(fs.statSync(disk)).toMatchObject({ uid, gid: uid })
    await harness.driver.remove(op, id)
    expect(files(id)).toEqual([])
    expect(fs.existsSync(path.join(claimsDirectory, String(uid)))).toBe(false)
    expect(fs.statSync(disk)).toMatchObject({ uid: 0, gid: 0 })
    expect(fs.statSync(home)).toMatchObject({ uid: 0, gid: 0 })
    expect(fs.readdirSync(home).sort()).toEqual([path.basename(disk), `${path.basename(disk)}.base`])
    await until(() => !fs.existsSync(`/proc/${pid}`), 5_000)
  })
})
