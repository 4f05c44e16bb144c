import { chmod, mkdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import { DriverError } from '../errors.ts'

/** Numbers of /dev/net/tun (the kernel's Documentation/admin-guide/devices.txt). */
const major = 10
const minor = 200

/**
 * The device through which a guest's QEMU attaches to its taps. Usually everybody may open
 * /dev/net/tun (which is harmless, because only its owner may attach to a tap) and null is returned. On a
 * machine where only root may open it, its mode stays, and we make a device node in a folder that nobody
 * else can enter; jailArgs() mounts the node over /dev/net/tun for QEMU alone.
 */
export async function tunDevice(directory: string): Promise<string | null> {
  const own = await stat('/dev/net/tun').catch((cause: unknown) => {
    throw new DriverError('unsupported', 'This machine has no /dev/net/tun: load it with "modprobe tun".', {
      cause,
    })
  })
  if ((own.mode & 0o006) === 0o006) return null
  const closed = join(directory, 'devices')
  await mkdir(closed, { recursive: true, mode: 0o700 })
  const path = join(closed, 'tun')
  const made = await stat(path).catch(() => null)
  if (made?.isCharacterDevice() && (made.mode & 0o777) === 0o666) return path
  const draft = `${path}.tmp`
  await rm(draft, { force: true })
  try {
    await execa('mknod', [draft, 'c', String(major), String(minor)], { timeout: 10_000 })
    await chmod(draft, 0o666)
    await rename(draft, path)
  } catch (cause) {
    throw new DriverError(
      'unsupported',
      'Only root may open /dev/net/tun and no device node can be made in the data directory: allow it with "chmod 0666 /dev/net/tun".',
      { cause },
    )
  }
  return path
}
