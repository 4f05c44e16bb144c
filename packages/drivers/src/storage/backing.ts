import fs from 'node:fs'
import { open, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { baseOf, recordBase } from '../disk-base.ts'

/**
 * Disks of an older agent name their base in their header alone, which the guest's QEMU can write. This function
 * trusts the headers once and records the bases; then a mark in the host's folder says that this was done. A
 * disk whose header names no base of ours stays without a record, so that its guest cannot start.
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
    const named = await backingOf(disk.path).catch(() => undefined) // One bad disk must not keep the agent from starting.
    const name = path.basename(named ?? '')
    const isOurs = named === path.join(bases, name) && /^[0-9a-f]{64}\.raw$/.test(name)
    if (named === null || isOurs) await recordBase(disk.path, named)
  }
  await writeFile(mark, '', { mode: 0o600, flush: true })
}

/** All disks of all hosts in `hostsDir` (the hosts share the bases), also those in the trash, each with its base. */
export async function backings(hostsDir: string): Promise<{ file: string; backing: string | null }[]> {
  const disks = fs.globSync(['*/instances/*/disk-*.qcow2', '*/trash/*@*'], { cwd: hostsDir })
  return Promise.all(
    disks.map(async (name) => {
      const file = path.join(hostsDir, name)
      const recorded = await baseOf(file.replace(/@\d+$/, ''))
      // A disk without a record may still get one, so the base that its header names must stay.
      return { file, backing: recorded === undefined ? ((await backingOf(file)) ?? null) : recorded }
    }),
  )
}

/**
 * The backing file that a qcow2 header names; null when none, undefined when the header makes no sense. Bytes 8–15 hold
 * the offset of the name within the first cluster (64 KiB in ours), bytes 16–19 its length (0: no backing file).
 */
async function backingOf(file: string): Promise<string | null | undefined> {
  const handle = await open(file, 'r').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined // The file was removed meanwhile.
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
