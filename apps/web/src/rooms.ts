import { administrationRoom } from './administration/room.ts'
import { computeRoom } from './compute/room.ts'
import { directoryRoom } from './directory/room.ts'
import { hostsRoom } from './hosts/room.ts'
import { identityRoom } from './identity/room.ts'
import { imagesRoom } from './images/room.ts'
import { joined, type KindWords, type PortalRoom } from './kit/room.ts'
import { networkingRoom } from './networking/room.ts'
import { operationsRoom } from './operations/room.ts'
import { overviewRoom } from './overview/room.ts'
import { profileRoom } from './profile/room.ts'
import { quotaRoom } from './quota/room.ts'
import { volumesRoom } from './volumes/room.ts'

/** Every room of the portal, in the order of its pages in the side bar. */
export const rooms: readonly PortalRoom[] = [
  overviewRoom,
  computeRoom,
  networkingRoom,
  imagesRoom,
  volumesRoom,
  operationsRoom,
  profileRoom,
  identityRoom,
  directoryRoom,
  hostsRoom,
  quotaRoom,
  administrationRoom,
]

/** By its name in the event log. */
export const kinds = joined<KindWords>(
  'kind',
  rooms.map((room) => room.kinds),
)
