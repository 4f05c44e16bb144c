import fs from 'node:fs'
import { open, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { baseOf, recordBase } from '../disk-base.ts'

/**
 * Disks of an older agent have their base in their header alone, which the guest's QEMU can write. It is
 * believed once: a mark in the folder of the host says that this has been done. A disk whose header makes
 * no sense stays without a record, and so does not start.
 */
export async function recordOldBases(
  dir: string,
  findDisks: () => Promise<readonly { path: string }[]>,
  bases: string,
): Promise<void> {
  const mark = path.join(dir, 'disk-bases-recorded')
  if (fs.existsSync(mark)) return
  for (const disk of await findDisks()) {
    if ((await baseOf(disk.path)) !== undefined) continue
    const named = await backingOf(disk.path).catch(() => undefined) // one bad disk must not keep the agent down
    const name = path.basename(named ?? '')
    const isOurs = named === path.join(bases, name) && /^[0-9a-f]{64}\.raw$/.test(name)
    if (named === null || isOurs) await recordBase(disk.path, named)
  }
  await writeFile(mark, '', { mode: 0o600, flush: true })
}

/** Every disk of every host in `hostsDir` (they share the bases), one in the trash included, and what it lies on. */
export async function backings(hostsDir: string): Promise<{ file: string; backing: string | null }[]> {
  const disks = fs.globSync(['*/instances/*/disk-*.qcow2', '*/trash/*@*'], { cwd: hostsDir })
  return Promise.all(
    disks.map(async (name) => {
      const file = path.join(hostsDir, name)
      const recorded = await baseOf(file.replace(/@\d+$/, ''))
      // one without a record may still be given one: what it names is kept for it
      return { file, backing: recorded === undefined ? ((await backingOf(file)) ?? null) : recorded }
    }),
  )
}

/**
 * Bytes 8–15 and 16–19 of a qcow2 header: where the name of the backing file is, within the first
 * cluster (64 KiB in ours), and how long (0: none). Undefined when that makes no sense.
 */
async function backingOf(file: string): Promise<string | null | undefined> {
  const handle = await open(file, 'r').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined // it went while we looked
    throw error
  })
  if (!handle) return undefined
  try {
    const { buffer: header, bytesRead } = await handle.read(Buffer.alloc(20), 0, 20, 0)
    if (bytesRead < 20 || header.readUInt32BE(0) !== 0x514649fb) return undefined
    const [at, length] = [header.readBigUInt64BE(8), header.readUInt32BE(16)]
    if (at === 0n || length === 0) return null
    if (length > 1023 || at + BigInt(length) > 65_536n) return undefined
    const { buffer } = await handle.read(Buffer.alloc(length), 0, length, Number(at))
    return buffer.toString('utf8')
  } finally {
    await handle.close()
  }
}
