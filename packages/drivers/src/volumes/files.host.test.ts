import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { Readable } from 'node:stream'
import { pino } from 'pino'
import { afterAll, describe, expect } from 'vitest'
import { defaultGuestUids, readGuestUids } from '../guest-uids.ts'
import { volumeNodeOf } from '../hypervisor/volume-node.ts'
import { backgroundOp } from '../op.ts'
import { createFilesDriver } from '../storage/files.ts'
import { openImageStore } from '../storage/image-store.ts'
import { type VolumeBench, volumeConformance } from './conformance.ts'
import { createVolumeFiles } from './files.ts'
import type { OpenedVolume } from './interface.ts'

const root = fs.mkdtempSync('/var/tmp/stratolith-volumes-')
fs.chmodSync(root, 0o711)
const imagesDir = path.join(root, 'images')
const store = openImageStore(imagesDir)
const dir = path.join(root, 'hosts/one')
const storage = createFilesDriver({ imagesDir, dir })
const driver = createVolumeFiles({
  dir,
  withGuest: (_op, _id, work) => work(null),
  async baseOf(op, base) {
    await storage.ensureBase(op, base)
    return storage.basePath(base.blobId)
  },
})
const uids = readGuestUids(defaultGuestUids)
if (typeof uids === 'string') throw new Error(uids)
const uid = uids.guests.first
const op = () => backgroundOp(pino({ level: 'silent' }))
const pool = { driver: 'files' as const, id: 'local' }
afterAll(() => fs.rmSync(root, { recursive: true, force: true }))

async function blob(bytes: Buffer): Promise<string> {
  const id = crypto.randomUUID()
  const { sha256 } = await store.stage(id, Readable.from([bytes]), { maxBytes: 1e9 })
  await store.commit(id, sha256)
  return sha256
}
/** An empty qcow2 is a small file, whatever size it says. */
function largeImage(): Promise<string> {
  const file = path.join(root, 'large.qcow2')
  execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', file, '2G'])
  return blob(fs.readFileSync(file))
}

/** Runs qemu-io as the guest's user, on the node that QEMU would get. */
function qemuIo(opened: OpenedVolume, user: number, command: string): string {
  const { 'node-name': _, ...node } = volumeNodeOf({
    id: crypto.randomUUID(),
    readOnly: false,
    opened,
    direct: false,
  })
  return execFileSync(
    'setpriv',
    [
      ...['--reuid', String(user), '--regid', String(user), '--clear-groups'],
      ...['--no-new-privs', '--bounding-set=-all', '--inh-caps=-all'],
      ...['qemu-io', '-c', command, `json:${JSON.stringify(node)}`],
    ],
    { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] },
  )
}

const bytes: VolumeBench['bytes'] = {
  async are(opened, user, { at, length }, byte) {
    const said = qemuIo(opened, user, `read -P ${byte} ${at} ${length}`)
    expect(said).toContain(`read ${length}/${length} bytes at offset ${at}`)
    return !said.includes('Pattern verification failed')
  },
  async write(opened, user, { at, length }, byte) {
    expect(qemuIo(opened, user, `write -P ${byte} ${at} ${length}`)).toContain(`wrote ${length}/${length}`)
  },
}

describe('volumes in files', () => {
  volumeConformance(() => ({
    driver,
    op: op(),
    pool,
    uid,
    image: () => blob(Buffer.alloc(1024 ** 2, 0xaa)),
    largeImage,
    bytes,
  }))
})
