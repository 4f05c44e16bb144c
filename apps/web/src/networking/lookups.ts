'use client'
import type { InstanceView } from '@stratolith/api/compute/contract'
import type { NetworkView } from '@stratolith/api/networking/contract'
import { useQuery } from '@tanstack/react-query'
import { useElsewhere } from '../kit/session.ts'
import { useTRPC } from '../kit/trpc.ts'
import type { ListRead } from './list-read.ts'

/** The most that a list gives at once; enough for names and for choices. */
const many = 1000

export type NetworkLookup = ListRead & { networks: NetworkView[] }

/** Networks that one can use: the project's, shared and external ones. */
export function useNetworks(): NetworkLookup {
  const trpc = useTRPC()
  const { data, isError } = useQuery(trpc.networking.networks.list.queryOptions({ limit: many }))
  return { networks: data?.items ?? [], ready: data !== undefined, failed: isError }
}

/** Networks that lead out of the cloud, where floating IPs and gateways come from. */
export function useExternalNetworks(): NetworkLookup {
  const trpc = useTRPC()
  const { data, isError } = useQuery(
    trpc.networking.networks.list.queryOptions({ limit: many, external: true }),
  )
  return { networks: data?.items ?? [], ready: data !== undefined, failed: isError }
}

/** `closed`: the sentence why nothing passes between guests and the world; null when something may. */
export function useOutside(): { closed: string | null } {
  const trpc = useTRPC()
  const { data } = useQuery(trpc.hosts.outside.queryOptions())
  return { closed: data?.closed ?? null }
}

/** `allProjects`: for the page of something that belongs to another project (useLook). */
export function useInstances(allProjects = false): {
  instances: InstanceView[]
  nameOf: (id: string) => string | null
} {
  const trpc = useTRPC()
  const { data } = useQuery(trpc.compute.instances.list.queryOptions({ limit: many, allProjects }))
  const instances = data?.items ?? []
  return { instances, nameOf: (id) => instances.find((instance) => instance.id === id)?.name ?? null }
}

export function useRouters() {
  const trpc = useTRPC()
  const { data } = useQuery(trpc.networking.routers.list.queryOptions({ limit: many }))
  return { routers: data?.items ?? [], ready: data !== undefined }
}

/** Those of this project, to choose from; of another project than the session's there are none. */
export function useSecurityGroups(projectId: string) {
  const trpc = useTRPC()
  const elsewhere = useElsewhere(projectId)
  const { data } = useQuery({
    ...trpc.networking.securityGroups.list.queryOptions({ limit: many }),
    enabled: !elsewhere,
  })
  return { groups: elsewhere ? [] : (data?.items ?? []), elsewhere }
}
