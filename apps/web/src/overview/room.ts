import { IconGauge } from '@tabler/icons-react'
import { paths } from '../kit/paths.ts'
import type { PortalRoom } from '../kit/room.ts'

export const overviewRoom: PortalRoom = {
  pages: [
    {
      group: 'Home',
      label: 'Overview',
      href: paths.overview,
      help: 'first-steps#the-overview',
      icon: IconGauge,
    },
  ],
  kinds: {},
}
