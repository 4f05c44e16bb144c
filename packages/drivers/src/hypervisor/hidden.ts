import { access } from 'node:fs/promises'
import { DriverError } from '../errors.ts'
import type { VolumeDisk } from './volume-node.ts'

/**
 * Rethrows why QEMU could not open a volume. A guest whose QEMU was started before a file system was mounted does not see what lies
 * there, when the mounts of this host are private: trying again never helps, starting the guest anew does.
 */
export const unlessHidden =
  ({ opened }: Pick<VolumeDisk, 'opened'>) =>
  async (error: unknown): Promise<never> => {
    const files = 'socket' in opened ? [opened.socket] : opened.layers.map(({ path }) => path)
    const isMissing = error instanceof Error && error.message.includes('No such file or directory')
    const areHere = await Promise.all(files.map(isHere))
    throw isMissing && areHere.every(Boolean)
      ? new DriverError('mounted_later', `QEMU does not see ${files.join(', ')}.`, { cause: error })
      : error
  }

const isHere = (file: string): Promise<boolean> =>
  access(file).then(
    () => true,
    () => false,
  )
