import { IconScale } from '@tabler/icons-react'
import { paths } from '../kit/paths.ts'
import type { PortalRoom } from '../kit/room.ts'

export const quotaRoom: PortalRoom = {
  pages: [
    {
      group: 'Resources',
      order: 8,
      label: 'Quota defaults',
      href: paths.quotaDefaults,
      help: 'quotas#defaults',
      icon: IconScale,
    },
  ],
  kinds: {
    quota: { words: 'quota', live: ['quota'], eventsOnly: true },
  },
}
