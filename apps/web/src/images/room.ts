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
      create: { label: 'Upload an image', href: creating(paths.images) },
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
