import { IconApi, IconUserCircle } from '@tabler/icons-react'
import { paths } from '../kit/paths.ts'
import type { PortalRoom } from '../kit/room.ts'

export const profileRoom: PortalRoom = {
  pages: [
    {
      group: 'Project',
      label: 'API access',
      href: paths.apiAccess,
      icon: IconApi,
    },
    {
      group: 'Account',
      label: 'Profile',
      href: paths.profile,
      icon: IconUserCircle,
    },
  ],
  kinds: {},
}
