import type { Trpc } from '../kit/trpc.ts'

/** The most rows that a list procedure gives; enough for names and for choices. */
export const many = 1000

/** The read of the networks that can be used: the project's (another one's by its ID), shared ones and external ones. */
export const usableNetworks = (trpc: Trpc, allProjects: boolean, projectId?: string) =>
  trpc.networking.networks.list.queryOptions({ limit: many, projectId, allProjects })

export const starterRead = (trpc: Trpc) => trpc.networking.networks.starterOffer.queryOptions()
