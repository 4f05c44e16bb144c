import type { LocalDiskView } from '@stratolith/api/compute/contract'
import { diskPath } from '../../../volumes/guest-commands.ts'

export const localDiskWords: Record<LocalDiskView['kind'], string> = {
  ephemeral: 'Ephemeral disk',
  swap: 'Swap disk',
}

/** The commands by which a Linux guest uses its ephemeral and swap disks. An ephemeral disk without a file system is formatted first; one that may have data is not. */
export function localDiskSteps(disks: readonly LocalDiskView[]): { title: string; cli: string }[] {
  const several = disks.filter(({ kind }) => kind === 'ephemeral').length > 1
  let number = 0
  return disks.flatMap(({ id, kind, format, device }) => {
    const disk = diskPath(id, device)
    if (kind === 'swap') return { title: 'Use the swap disk', cli: `sudo swapon ${disk}\nswapon --show` }
    const which = several ? `ephemeral disk ${++number}` : 'ephemeral disk'
    const folder = several ? `/mnt/ephemeral${number - 1}` : '/mnt/ephemeral'
    const mount = `sudo mkdir -p ${folder}\nsudo mount ${disk} ${folder}`
    return [
      ...(format === null
        ? [{ title: `Format the ${which} once: this deletes what is on it`, cli: `sudo mkfs.ext4 ${disk}` }]
        : []),
      { title: `Mount the ${which}`, cli: mount },
    ]
  })
}
