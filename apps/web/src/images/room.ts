import { IconDisc } from '@tabler/icons-react'
import { gib } from '../kit/format.ts'
import { creating, paths } from '../kit/paths.ts'
import type { PortalRoom } from '../kit/room.ts'

export const imagesRoom: PortalRoom = {
  pages: [
    {
      group: 'Compute',
      label: 'Images',
      href: paths.images,
      help: 'images#what-an-image-is',
      icon: IconDisc,
      create: { label: 'Upload image', href: creating(paths.images) },
    },
    {
      group: 'Resources',
      order: 2,
      label: 'All images',
      href: paths.adminImages,
      help: 'images#what-an-image-is',
      icon: IconDisc,
    },
  ],
  kinds: {
    image: { words: 'image', path: paths.image, live: ['images', 'quota', 'compute.instances.plan'] },
    blob: { live: [] },
  },
  quota: {
    imageGib: { label: 'Image storage', format: gib, unit: ' GiB' },
    images: { label: 'Images' },
  },
}
