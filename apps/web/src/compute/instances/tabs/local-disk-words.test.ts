import { expect, it } from 'vitest'
import { localDiskSteps } from './local-disk-words.ts'

const id = '01234567-89ab-4cde-8f01-23456789abcd'
const disk = { id, sizeMib: 1024, device: '/dev/vdb', format: 'ext4', kind: 'ephemeral' } as const

it('mounts ephemeral disks, formats those that are empty, and switches swap on', () => {
  const path = '/dev/disk/by-id/virtio-01234567-89ab-4cde-8'
  const swap = { ...disk, kind: 'swap', format: null } as const
  expect(localDiskSteps([disk, swap])).toEqual([
    {
      title: 'Mount the ephemeral disk',
      cli: `sudo mkdir -p /mnt/ephemeral\nsudo mount ${path} /mnt/ephemeral`,
    },
    { title: 'Use the swap disk', cli: `sudo swapon ${path}\nswapon --show` },
  ])
  const titles = localDiskSteps([disk, { ...disk, format: null }]).map(({ title }) => title)
  expect(titles).toEqual([
    'Mount the ephemeral disk 1',
    'Format the ephemeral disk 2 once: this deletes what is on it',
    'Mount the ephemeral disk 2',
  ])
  // The disk of an adopted instance may have data.
  expect(localDiskSteps([{ ...disk, format: 'unknown' }])).toEqual(localDiskSteps([disk]))
})
