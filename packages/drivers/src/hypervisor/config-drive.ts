import { chmod, mkdir, mkdtemp, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { execa } from 'execa'
import { DriverError } from '../errors.ts'

/** `path` is relative, of plain names: "openstack/latest/meta_data.json". */
export type ConfigFile = { path: string; content: Buffer }

/** Nova's label, by which cloud-init and others find the drive in a guest. */
const label = 'config-2'

/**
 * Makes an ISO 9660 image (with Joliet and Rock Ridge) of these files at `path`, unless a file is there.
 * The image appears whole or not at all, and root owns it: each start gives it to QEMU's user.
 */
export async function ensureConfigDrive(path: string, files: () => Promise<ConfigFile[]>): Promise<void> {
  if (await stat(path).catch(() => null)) return
  const work = await mkdtemp(join(dirname(path), 'config-'))
  try {
    const tree = join(work, 'tree')
    for (const { path: name, content } of await files()) {
      const file = join(tree, name)
      await mkdir(dirname(file), { recursive: true })
      await writeFile(file, content)
    }
    const image = join(work, 'image')
    const flags = ['-quiet', '-J', '-r', '-ldots', '-allow-lowercase', '-allow-multidot', '-l']
    // xorriso ignores the configuration files that the machine's owner may have.
    const argv = [
      '-no_rc',
      '-as',
      'mkisofs',
      '-o',
      image,
      ...flags,
      '-V',
      label,
      '-publisher',
      'stratolith',
      tree,
    ]
    await execa('xorriso', argv).catch((cause: unknown) => {
      throw new DriverError('failed', 'The config drive cannot be made: is xorriso installed?', { cause })
    })
    await chmod(image, 0o600)
    await rename(image, path)
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}
