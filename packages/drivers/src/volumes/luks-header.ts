import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import path from 'node:path'
import { DriverError } from '../errors.ts'
import type { Manifest } from './manifest.ts'

const atOnce = 1024 ** 2

/**
 * Copies the header of LUKS into the file of a copy of an encrypted volume, whose content is encrypted by the same key then. The
 * header is in the first layer, and nobody changes it: only a guest that has taken over its QEMU could, for its own volume.
 */
export async function copyHeader(dir: string, { layers, luks }: Manifest, to: string): Promise<void> {
  if (!luks) return
  const [first] = layers
  if (first?.format !== 'raw')
    throw new DriverError('failed', 'An encrypted volume begins with no raw layer.')
  const source = await open(path.join(dir, first.name), constants.O_RDONLY | constants.O_NOFOLLOW)
  try {
    const target = await open(to, constants.O_WRONLY | constants.O_NOFOLLOW)
    try {
      for (let at = 0; at < luks.headerBytes; ) {
        const wanted = Math.min(atOnce, luks.headerBytes - at)
        const { buffer, bytesRead } = await source.read(Buffer.alloc(wanted), 0, wanted, at)
        if (bytesRead === 0)
          throw new DriverError('failed', 'The header of an encrypted volume is too short.')
        await target.write(buffer, 0, bytesRead, at)
        at += bytesRead
      }
      await target.sync()
    } finally {
      await target.close()
    }
  } finally {
    await source.close()
  }
}
