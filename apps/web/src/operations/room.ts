import { IconActivity, IconHistory, IconTimelineEvent } from '@tabler/icons-react'
import { paths } from '../kit/paths.ts'
import type { PortalRoom } from '../kit/room.ts'

export const operationsRoom: PortalRoom = {
  pages: [
    {
      group: 'Project',
      label: 'Operations',
      href: paths.operations,
      help: 'operations#operations',
      icon: IconActivity,
      for: 'project',
    },
    {
      group: 'Admin',
      order: 6,
      label: 'All operations',
      href: paths.adminOperations,
      help: 'operations#all-operations',
      icon: IconTimelineEvent,
    },
    {
      group: 'Admin',
      order: 7,
      label: 'Audit log',
      href: paths.audit,
      help: 'operations#the-audit-log',
      icon: IconHistory,
    },
  ],
  kinds: {},
}
