import { open } from 'node:fs/promises'
import path from 'node:path'
import { baseOf, recordBase } from '../disk-base.ts'

/**
 * Disks of an older agent, and such as came back from a backup without their link, have their base in
 * their header alone. Called when the agent starts; what has a link keeps it, and the header, which the
 * guest's QEMU can write, is never read again.
 */
export async function recordOldBases(disks: readonly { path: string }[], bases: string): Promise<void> {
  for (const disk of disks) {
    if ((await baseOf(disk.path)) !== null) continue
    const named = await backingFile(disk.path)
    const name = path.basename(named ?? '')
    if (named === path.join(bases, name) && /^[0-9a-f]{64}\.raw$/.test(name))
      await recordBase(disk.path, named)
  }
}

/** The name of the backing file, at the place that bytes 8–19 of the header say (qcow2 specification). */
async function backingFile(file: string): Promise<string | null> {
  const handle = await open(file, 'r')
  try {
    const header = Buffer.alloc(20)
    await handle.read(header, 0, 20, 0)
    const [offset, length] = [header.readBigUInt64BE(8), header.readUInt32BE(16)]
    if (offset === 0n || length === 0 || length > 1023) return null
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, Number(offset))
    return bytesRead === length ? buffer.toString('utf8') : null
  } finally {
    await handle.close()
  }
}
