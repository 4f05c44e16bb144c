import { IconApi, IconUserCircle } from '@tabler/icons-react'
import { paths } from '../kit/paths.ts'
import type { PortalRoom } from '../kit/room.ts'

export const profileRoom: PortalRoom = {
  pages: [
    {
      group: 'Access',
      label: 'API access',
      href: paths.apiAccess,
      icon: IconApi,
    },
    {
      group: 'Access',
      label: 'Profile',
      href: paths.profile,
      icon: IconUserCircle,
    },
  ],
  kinds: {},
}
