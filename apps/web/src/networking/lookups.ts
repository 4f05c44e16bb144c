'use client'
import type { InstanceView } from '@stratolith/api/compute/contract'
import type { NetworkView } from '@stratolith/api/networking/contract'
import { useQuery } from '@tanstack/react-query'
import { useLook, useSession } from '../kit/session.ts'
import { useTRPC } from '../kit/trpc.ts'
import type { ListRead } from './list-read.ts'

/** The most that a list gives at once; enough for names and for choices. */
const many = 1000

export type NetworkLookup = ListRead & { networks: NetworkView[] }

/** What a list of a thing's own project is asked with: `elsewhere` when nobody here may ask for it. */
function useAsked(projectId: string | undefined) {
  const { allProjects, hidden } = useLook(projectId ?? null)
  return projectId === undefined
    ? { asked: undefined, elsewhere: false }
    : { asked: allProjects ? projectId : undefined, elsewhere: hidden }
}

/** The whole cloud is looked at, where there is no project whose networks a list could be of. */
const useIsCloud = (): boolean => useSession().project === null

/** Networks that one can use: the project's, shared and external ones. Of another project: its own. */
export function useNetworks(projectId?: string): NetworkLookup {
  const trpc = useTRPC()
  const { asked, elsewhere } = useAsked(projectId)
  const allProjects = useIsCloud()
  const { data, isError } = useQuery(
    trpc.networking.networks.list.queryOptions(
      { limit: many, projectId: asked, allProjects },
      { enabled: !elsewhere },
    ),
  )
  return { networks: data?.items ?? [], ready: data !== undefined, failed: isError }
}

/** Networks that lead out of the cloud, where floating IPs and gateways come from. */
export function useExternalNetworks(): NetworkLookup {
  const trpc = useTRPC()
  const allProjects = useIsCloud()
  const { data, isError } = useQuery(
    trpc.networking.networks.list.queryOptions({ limit: many, external: true, allProjects }),
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

/** Those of the project of the thing that shall be led out. */
export function useRouters(projectId?: string) {
  const trpc = useTRPC()
  const { asked, elsewhere } = useAsked(projectId)
  const { data } = useQuery(
    trpc.networking.routers.list.queryOptions({ limit: many, projectId: asked }, { enabled: !elsewhere }),
  )
  return { routers: data?.items ?? [], ready: data !== undefined }
}

/** Those of this project, to choose from; of another project than the session's administrators alone see them. */
export function useSecurityGroups(projectId?: string) {
  const trpc = useTRPC()
  const { asked, elsewhere } = useAsked(projectId)
  const { data } = useQuery({
    ...trpc.networking.securityGroups.list.queryOptions({ limit: many, projectId: asked }),
    enabled: !elsewhere,
  })
  return { groups: elsewhere ? [] : (data?.items ?? []), elsewhere }
}
