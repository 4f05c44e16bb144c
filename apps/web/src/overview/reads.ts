import { cloudPlace } from '../kit/paths.ts'
import type { Trpc } from '../kit/trpc.ts'
import { starterRead } from '../networking/reads.ts'

/** The reads of the overview's parts. The server makes them first (`firstReads`). */
export const machineRead = (trpc: Trpc) => trpc.compute.instances.list.queryOptions({ limit: 8 })
export const countRead = (trpc: Trpc, allProjects: boolean) =>
  trpc.compute.instances.summary.queryOptions({ allProjects })
export const recentRead = (trpc: Trpc) => trpc.operations.list.queryOptions({ limit: 6 })
export const failedRead = (trpc: Trpc, allProjects: boolean, openedAt: number) =>
  trpc.operations.list.queryOptions({ allProjects, state: 'failed', from: dayBefore(openedAt), limit: 5 })
export const keyPairRead = (trpc: Trpc) => trpc.compute.keyPairs.list.queryOptions({ limit: 1 })

/** The time 24 hours before, to the minute, so that the server and the browser ask for the same. */
const dayBefore = (at: number): string =>
  new Date(Math.floor(at / 60_000) * 60_000 - 86_400_000).toISOString()

export const firstReads = (trpc: Trpc, place: string) =>
  place === cloudPlace
    ? [
        countRead(trpc, true),
        failedRead(trpc, true, Date.now()),
        trpc.hosts.summary.queryOptions(),
        trpc.system.info.queryOptions(),
      ]
    : [
        countRead(trpc, false),
        failedRead(trpc, false, Date.now()),
        machineRead(trpc),
        recentRead(trpc),
        keyPairRead(trpc),
        starterRead(trpc),
        trpc.quota.get.queryOptions(),
      ]
