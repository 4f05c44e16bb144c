import { IconApi, IconUserCircle } from '@tabler/icons-react'
import { paths } from '../kit/paths.ts'
import type { PortalRoom } from '../kit/room.ts'

export const profileRoom: PortalRoom = {
  pages: [
    {
      group: 'Project',
      label: 'API access',
      href: paths.apiAccess,
      help: 'profile#api-access',
      icon: IconApi,
    },
    {
      group: 'Account',
      label: 'Profile',
      href: paths.profile,
      help: 'profile#your-profile',
      icon: IconUserCircle,
    },
  ],
  kinds: {
    applicationCredential: {
      words: 'application credential',
      live: ['delegation.applicationCredentials'],
      eventsOnly: true,
    },
    accessRule: { words: 'access rule', live: [], eventsOnly: true },
    trust: { words: 'trust', live: ['delegation.trusts'], eventsOnly: true },
    consumer: { words: 'program', live: [], eventsOnly: true },
    requestToken: { words: 'request of a program', live: [], eventsOnly: true },
    access_token: { words: 'access of a program', live: [], eventsOnly: true },
  },
}
