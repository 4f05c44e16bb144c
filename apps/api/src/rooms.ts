import { catalogRoom } from './catalog/room.ts'
import { computeRoom } from './compute/room.ts'
import { delegationRoom } from './delegation/room.ts'
import { directoryRoom } from './directory/room.ts'
import { hostsRoom } from './hosts/room.ts'
import { identityRoom } from './identity/room.ts'
import { imagesRoom } from './images/room.ts'
import { networkingRoom } from './networking/room.ts'
import { operationsRoom } from './operations/room.ts'
import { policyRoom } from './policy/room.ts'
import { quotaRoom } from './quota/room.ts'
import { systemRoom } from './system/room.ts'
import { volumesRoom } from './volumes/room.ts'

/** All rooms of the cloud, each after the rooms that it uses. */
export const rooms = [
  directoryRoom,
  identityRoom,
  delegationRoom,
  catalogRoom,
  quotaRoom,
  policyRoom,
  hostsRoom,
  imagesRoom,
  networkingRoom,
  volumesRoom,
  computeRoom,
  operationsRoom,
  systemRoom,
] as const
