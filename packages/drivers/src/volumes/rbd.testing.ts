import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { pino } from 'pino'
import { afterAll, beforeAll, expect, vi } from 'vitest'
import { defaultGuestUids, readGuestUids } from '../guest-uids.ts'
import { volumeNodeOf } from '../hypervisor/volume-node.ts'
import { backgroundOp } from '../op.ts'
import { startCeph, type TestCeph } from './ceph.testing.ts'
import type { VolumeBench } from './conformance.ts'
import type { OpenedVolume, RunningGuest } from './interface.ts'
import { createRbdVolumes, type RbdVolumes } from './rbd.ts'
import { runtimeOf } from './rbd-open.ts'
import { allServers } from './volume-server.ts'

/** What the tests of volumes in Ceph share: a cluster for the file, hosts that reach it, and guests that read and write. */

const found = readGuestUids(defaultGuestUids)
if (typeof found === 'string') throw new Error(found)
export const uids = found
const log = pino({ level: 'silent' })
export const op = () => backgroundOp(log, 'test', 600_000)
export const root = fs.mkdtempSync('/var/tmp/strato-rbd-')
// Guests' users reach the links to their volumes in files.
fs.chmodSync(root, 0o711)
export const images = new Map<string, string>()
const made: { dir: string; driver: RbdVolumes }[] = []

/** Starts a cluster for the tests of the file that calls this, and ends it with all that `aHost` has made. */
export function withCeph(): { readonly ceph: TestCeph } {
  const world: { ceph?: TestCeph } = {}
  // On a busy machine the dozens of programs that each of these tests runs take minutes.
  vi.setConfig({ testTimeout: 600_000 })
  beforeAll(async () => {
    world.ceph = await startCeph()
  })
  afterAll(async () => {
    for (const { dir, driver } of made) {
      await driver.close()
      // A test that has failed leaves servers.
      for (const [at, pid] of await allServers())
        if (at.startsWith(runtimeOf(dir))) process.kill(pid, 'SIGKILL')
      fs.rmSync(runtimeOf(dir), { recursive: true, force: true })
    }
    world.ceph?.stop()
    fs.rmSync(root, { recursive: true, force: true })
  })
  return {
    get ceph() {
      if (!world.ceph) throw new Error('The cluster of the tests does not run yet.')
      return world.ceph
    },
  }
}

export function aHost(
  host: string,
  { watchMs = 200, running = () => null }: { watchMs?: number; running?: () => RunningGuest | null } = {},
): RbdVolumes {
  const dir = path.join(root, host)
  const driver = createRbdVolumes({
    ...{ dir, host, log, serverUid: uids.probe, watchMs, imagesDir: path.join(root, 'images') },
    withGuest: (_op, _id, work) => work(running()),
    baseOf: async (_op, base) => images.get(base.blobId) ?? null,
  })
  made.push({ dir, driver })
  return driver
}

/** Runs qemu-io as that user, on the node that QEMU would get. */
export function qemuIo(opened: OpenedVolume, user: number, command: string): string {
  const { file } = volumeNodeOf({
    ...{ id: crypto.randomUUID(), readOnly: false, limits: {}, opened, direct: false },
  })
  const { 'node-name': _, ...node } = file as Record<string, unknown>
  const who = ['--reuid', String(user), '--regid', String(user), '--clear-groups', '--bounding-set=-all']
  return execFileSync('setpriv', [...who, 'qemu-io', '-c', command, `json:${JSON.stringify(node)}`], {
    ...{ encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] },
  })
}

export const bytes: NonNullable<VolumeBench['bytes']> = {
  async are(opened, user, { at, length }, byte) {
    const said = qemuIo(opened, user, `read -P ${byte} ${at} ${length}`)
    expect(said).toContain(`read ${length}/${length} bytes at offset ${at}`)
    return !said.includes('Pattern verification failed')
  },
  async write(opened, user, { at, length }, byte) {
    expect(qemuIo(opened, user, `write -P ${byte} ${at} ${length}`)).toContain(`wrote ${length}/${length}`)
  },
}

export const aGuest = (uid = uids.guests.first) => ({ id: crypto.randomUUID(), uid })

/** The process that serves an opened volume. */
export async function serverOf(opened: OpenedVolume): Promise<{ dir: string; pid: number }> {
  const dir = 'socket' in opened ? path.dirname(opened.socket) : ''
  const pid = (await allServers()).get(dir)
  if (pid === undefined) throw new Error(`no server runs in ${dir}`)
  return { dir, pid }
}
