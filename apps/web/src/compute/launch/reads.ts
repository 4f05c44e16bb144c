import type { Trpc } from '../../kit/trpc.ts'

const limit = 200

/** The reads of what the form offers, which the server makes first. */
export const optionReads = (trpc: Trpc) => ({
  images: trpc.images.list.queryOptions({ state: 'active', limit }),
  flavors: trpc.compute.flavors.list.queryOptions({ limit }),
  networks: trpc.networking.networks.list.queryOptions({ limit }),
  groups: trpc.networking.securityGroups.list.queryOptions({ limit }),
  keys: trpc.compute.keyPairs.list.queryOptions({ limit }),
})
