import { IconBook2, IconInfoCircle, IconShieldQuestion } from '@tabler/icons-react'
import { paths } from '../kit/paths.ts'
import type { PortalRoom } from '../kit/room.ts'

export const administrationRoom: PortalRoom = {
  pages: [
    {
      group: 'Admin',
      order: 8,
      label: 'Services',
      href: paths.catalog,
      help: 'administration#services',
      icon: IconBook2,
    },
    {
      group: 'Admin',
      order: 9,
      label: 'Policy',
      href: paths.policy,
      help: 'administration#policy',
      icon: IconShieldQuestion,
    },
    {
      group: 'Admin',
      order: 10,
      label: 'System',
      href: paths.system,
      help: 'administration#system',
      icon: IconInfoCircle,
    },
  ],
  kinds: {
    policy: { words: 'stored policy', live: [], eventsOnly: true },
    service: { words: 'service', live: ['catalog'], eventsOnly: true },
    endpoint: { words: 'endpoint', live: ['catalog'], eventsOnly: true },
    endpoint_group: { words: 'group of endpoints', live: [], eventsOnly: true },
    region: { words: 'region', live: ['catalog'], eventsOnly: true },
    limit: { words: 'limit', live: [], eventsOnly: true },
    registered_limit: { words: 'registered limit', live: [], eventsOnly: true },
    transaction: { live: [] },
  },
}
