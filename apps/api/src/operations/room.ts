import { Prisma } from '@stratolith/db'
import { defineRoom } from '../kernel/manifest.ts'
import { operationsPolicy } from './policy.ts'
import { operationsReconcilers } from './reconcile.ts'
import { operationsRouter } from './router.ts'

export const operationsRoom = defineRoom({
  name: 'operations',
  // What a placement says to whom (maskVerdicts) is compute's.
  uses: ['identity', 'compute'],
  kinds: {},
  policy: operationsPolicy,
  router: operationsRouter,
  reconcilers: operationsReconcilers,
  kept: [
    { name: 'events', days: (config) => config.keep.eventsDays, table: 'Event', column: 'at' },
    // Their steps go with them. What is not over has no end.
    {
      name: 'operations',
      days: (config) => config.keep.operationsDays,
      table: 'Operation',
      column: 'finishedAt',
      only: Prisma.sql`"state" IN ('succeeded', 'failed')`,
    },
    // What a host that comes back later still has of it is unknown there, and shown.
    {
      name: 'tombstones',
      days: (config) => config.keep.operationsDays,
      table: 'Tombstone',
      column: 'deletedAt',
    },
  ],
})
