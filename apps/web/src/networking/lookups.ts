'use client'
import type { NetworkView, PortView } from '@stratolith/api/networking/contract'
import { useQuery } from '@tanstack/react-query'
import { useLook, useSession } from '../kit/session.ts'
import { useTRPC } from '../kit/trpc.ts'
import { freeName } from './free-name.ts'
import type { ListRead } from './list-read.ts'
import { many, starterRead, usableNetworks } from './reads.ts'

export type NetworkLookup = ListRead & { networks: NetworkView[] }

/**
 * How the lists of a thing's project are asked for. `elsewhere`: the session may not ask for the lists of that project.
 */
function useAsked(projectId: string | undefined) {
  const { allProjects, hidden } = useLook(projectId ?? null)
  return projectId === undefined
    ? { asked: undefined, elsewhere: false }
    : { asked: allProjects ? projectId : undefined, elsewhere: hidden }
}

/** Answers whether the session has no project: then the lists are those of all projects. */
const useIsCloud = (): boolean => useSession().project === null

/**
 * The networks that one can use: the project's, shared ones and external ones; with the ID of another project, the
 * networks of that project.
 */
export function useNetworks(projectId?: string): NetworkLookup {
  const trpc = useTRPC()
  const { asked, elsewhere } = useAsked(projectId)
  const allProjects = useIsCloud()
  const { data, isError } = useQuery({ ...usableNetworks(trpc, allProjects, asked), enabled: !elsewhere })
  return { networks: data?.items ?? [], ready: data !== undefined, failed: isError }
}

/** The facts by which a project is offered a starter network, with a free name for it; not read outside of projects. */
export function useStarterOffer() {
  const trpc = useTRPC()
  const { data, isError } = useQuery({ ...starterRead(trpc), enabled: !useIsCloud() })
  return {
    offer: data,
    name: freeName('starter-net', data?.names ?? []),
    ready: data !== undefined,
    failed: isError,
  }
}

/** The networks that lead out of the cloud, from which floating IPs and gateways come. */
export function useExternalNetworks(): NetworkLookup {
  const trpc = useTRPC()
  const allProjects = useIsCloud()
  const { data, isError } = useQuery(
    trpc.networking.networks.list.queryOptions({ limit: many, external: true, allProjects }),
  )
  return { networks: data?.items ?? [], ready: data !== undefined, failed: isError }
}

/** `closed`: the sentence why nothing passes between guests and the outside; null when something may pass. */
export function useOutside(): { closed: string | null } {
  const trpc = useTRPC()
  const { data } = useQuery(trpc.hosts.outside.queryOptions())
  return { closed: data?.closed ?? null }
}

/** The ports of instances of this project, to choose from; with the ID of another project, of that project. */
export function useInstancePorts(projectId?: string): PortView[] {
  const trpc = useTRPC()
  const { asked, elsewhere } = useAsked(projectId)
  const { data } = useQuery(
    trpc.networking.ports.list.queryOptions(
      { limit: many, use: 'instance', projectId: asked },
      { enabled: !elsewhere },
    ),
  )
  return data?.items ?? []
}

/** The routers of the project of the thing that a router is to lead out. */
export function useRouters(projectId?: string) {
  const trpc = useTRPC()
  const { asked, elsewhere } = useAsked(projectId)
  const { data } = useQuery(
    trpc.networking.routers.list.queryOptions({ limit: many, projectId: asked }, { enabled: !elsewhere }),
  )
  return { routers: data?.items ?? [], ready: data !== undefined }
}

/**
 * The security groups of this project, to choose from; those of another project than the session's are shown to
 * administrators only.
 */
export function useSecurityGroups(projectId?: string) {
  const trpc = useTRPC()
  const { asked, elsewhere } = useAsked(projectId)
  const { data } = useQuery({
    ...trpc.networking.securityGroups.list.queryOptions({ limit: many, projectId: asked }),
    enabled: !elsewhere,
  })
  return { groups: elsewhere ? [] : (data?.items ?? []), elsewhere }
}
