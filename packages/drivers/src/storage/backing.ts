import fs from 'node:fs'
import { open } from 'node:fs/promises'
import path from 'node:path'
import { baseOf, recordBase } from '../disk-base.ts'

/**
 * Disks of an older agent, and such as came back from a backup without their link, have their base in
 * their header alone. Called when the agent starts; what has a link keeps it, and the header, which the
 * guest's QEMU can write, is never believed again.
 */
export async function recordOldBases(disks: readonly { path: string }[], bases: string): Promise<void> {
  for (const disk of disks) {
    if ((await baseOf(disk.path)) !== null) continue
    const named = await backingOf(disk.path)
    const name = path.basename(named ?? '')
    if (named === path.join(bases, name) && /^[0-9a-f]{64}\.raw$/.test(name))
      await recordBase(disk.path, named)
  }
}

/** Every disk of every host in `hostsDir` (they share the bases), one in the trash included, and what it lies on. */
export async function backings(hostsDir: string): Promise<{ file: string; backing: string | null }[]> {
  const disks = fs.globSync(['*/instances/*/disk-*.qcow2', '*/trash/*@*'], { cwd: hostsDir })
  return Promise.all(
    disks.map(async (name) => {
      const file = path.join(hostsDir, name)
      return { file, backing: (await baseOf(file.replace(/@\d+$/, ''))) ?? (await backingOf(file)) }
    }),
  )
}

/** Bytes 8–15 and 16–19 of a qcow2 header: where the name of the backing file is, and how long (0: none). */
async function backingOf(file: string): Promise<string | null> {
  const handle = await open(file, 'r').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null // it went while we looked
    throw error
  })
  if (!handle) return null
  try {
    const { buffer: header } = await handle.read(Buffer.alloc(12), 0, 12, 8)
    const length = header.readUInt32BE(8)
    if (length === 0 || length > 1023) return null
    const { buffer } = await handle.read(Buffer.alloc(length), 0, length, Number(header.readBigUInt64BE(0)))
    return buffer.toString('utf8')
  } finally {
    await handle.close()
  }
}
