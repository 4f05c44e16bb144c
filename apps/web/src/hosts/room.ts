import { IconCpu, IconHelpHexagon } from '@tabler/icons-react'
import { paths } from '../kit/paths.ts'
import type { PortalRoom } from '../kit/room.ts'

export const hostsRoom: PortalRoom = {
  pages: [
    {
      group: 'Admin',
      order: 1,
      label: 'Hosts',
      href: paths.adminHosts,
      help: 'hosts#what-a-host-is',
      icon: IconCpu,
    },
    {
      group: 'Admin',
      order: 2,
      label: 'Unknown here',
      href: paths.unknown,
      help: 'hosts#what-is-unknown',
      icon: IconHelpHexagon,
    },
  ],
  kinds: {
    host: {
      words: 'host',
      live: ['hosts', 'images.trash', 'compute.instances.plan'],
      titles: {
        removeUnknown: 'Remove what is unknown',
        keepUnknown: 'Keep what is unknown',
        waitUnknown: 'Let the time of what is unknown run',
        tell: 'Tell host again',
        takeBack: 'Put back from the trash',
        releaseBrake: 'Let a removal go on',
        fence: 'Declare host fenced',
        unfence: 'Take the fencing of a host back',
      },
    },
    /** The machine of a project's instances answers again, or stops answering. */
    machine: { live: ['compute.instances'] },
    aggregate: { words: 'aggregate', live: ['hosts'] },
  },
}
