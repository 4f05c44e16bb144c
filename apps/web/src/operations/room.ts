import { IconActivity, IconHistory } from '@tabler/icons-react'
import { paths } from '../kit/paths.ts'
import type { PortalRoom } from '../kit/room.ts'

export const operationsRoom: PortalRoom = {
  pages: [
    {
      group: 'Access',
      label: 'Operations',
      href: paths.operations,
      icon: IconActivity,
      for: 'project',
    },
    {
      group: 'Admin',
      label: 'All operations',
      href: paths.adminOperations,
      icon: IconActivity,
    },
    {
      group: 'Admin',
      label: 'Audit log',
      href: paths.audit,
      icon: IconHistory,
    },
  ],
  kinds: {},
}
