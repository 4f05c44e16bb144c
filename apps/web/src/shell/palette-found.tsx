'use client'
import { useDebouncedValue } from '@mantine/hooks'
import type { Icon } from '@tabler/icons-react'
import {
  IconArchive,
  IconCamera,
  IconDatabase,
  IconDisc,
  IconFolders,
  IconKey,
  IconNetwork,
  IconRouter,
  IconServer2,
  IconShieldLock,
  IconStack2,
  IconUser,
  IconWorldPin,
} from '@tabler/icons-react'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { stateOf } from '../compute/instances/state.ts'
import { gib } from '../kit/format.ts'
import { paths, searching } from '../kit/paths.ts'
import { reachOf } from '../kit/place.ts'
import { useSession } from '../kit/session.ts'
import { useTRPC } from '../kit/trpc.ts'
import { isAddress } from './palette-words.ts'

/** A line of the palette, which opens a page or does something. */
export type Entry = {
  id: string
  label: string
  description?: string
  icon: ReactNode
} & ({ href: string } | { run: () => void })

const entry = (
  Icon: Icon,
  kind: string,
  { id, label, detail }: { id: string; label: string; detail?: string },
  href: string,
): Entry => ({
  id: `${kind} ${id}`,
  label,
  description: [kind, detail].filter(Boolean).join(' · '),
  href,
  icon: <Icon size={18} />,
})

/**
 * Finds things whose name contains the word or whose address begins with it; in all projects for people who see them.
 */
export function useResources(typed: string): Entry[] {
  const trpc = useTRPC()
  const session = useSession()
  const { cloud } = reachOf(session)
  const [search] = useDebouncedValue(typed, 150)
  const asked = search.length > 0 && (session.project !== null || cloud)
  const input = { search, limit: 5, allProjects: cloud }
  const on = (enabled: boolean) => ({ enabled: asked && enabled, placeholderData: keepPreviousData })
  const isIp = isAddress(search)
  const instances = useQuery({ ...trpc.compute.instances.list.queryOptions(input), ...on(true) })
  const networks = useQuery({ ...trpc.networking.networks.list.queryOptions(input), ...on(!isIp) })
  const images = useQuery({ ...trpc.images.list.queryOptions(input), ...on(!isIp) })
  const volumes = useQuery({ ...trpc.volumes.list.queryOptions(input), ...on(!isIp) })
  const snapshots = useQuery({ ...trpc.volumes.snapshots.list.queryOptions(input), ...on(!isIp) })
  const backups = useQuery({ ...trpc.volumes.backups.list.queryOptions(input), ...on(!isIp) })
  const routers = useQuery({ ...trpc.networking.routers.list.queryOptions(input), ...on(!isIp) })
  const groups = useQuery({ ...trpc.networking.securityGroups.list.queryOptions(input), ...on(!isIp) })
  const addresses = useQuery({ ...trpc.networking.floatingIps.list.queryOptions(input), ...on(isIp) })
  const own = { search, limit: 5 }
  const keyPairs = useQuery({ ...trpc.compute.keyPairs.list.queryOptions(own), ...on(!isIp) })
  const flavors = useQuery({ ...trpc.compute.flavors.list.queryOptions(own), ...on(!isIp) })
  if (typed === '' || !asked) return []
  const items = <T,>(query: { data?: { items: T[] } }, wanted = true) =>
    wanted ? (query.data?.items ?? []) : []
  const flavorPath = (id: string) => (cloud ? paths.adminFlavor(id) : `${paths.launch}?flavor=${id}`)
  return [
    ...items(instances).map((view) =>
      entry(
        IconServer2,
        'Instance',
        { id: view.id, label: view.name, detail: stateOf(view).state },
        paths.instance(view.id),
      ),
    ),
    ...items(addresses, isIp).map(({ id, address, instanceId, fixedAddress }) =>
      entry(
        IconWorldPin,
        'Floating IP',
        { id, label: address, detail: fixedAddress ? `leads to ${fixedAddress}` : 'free' },
        instanceId ? paths.instance(instanceId, 'interfaces') : searching(paths.floatingIps, address),
      ),
    ),
    ...items(networks, !isIp).map(({ id, name }) =>
      entry(IconNetwork, 'Network', { id, label: name }, paths.network(id)),
    ),
    ...items(routers, !isIp).map(({ id, name }) =>
      entry(IconRouter, 'Router', { id, label: name }, paths.router(id)),
    ),
    ...items(groups, !isIp).map(({ id, name }) =>
      entry(IconShieldLock, 'Security group', { id, label: name }, paths.securityGroup(id)),
    ),
    ...items(images, !isIp).map(({ id, name }) =>
      entry(IconDisc, 'Image', { id, label: name }, paths.image(id)),
    ),
    ...items(volumes, !isIp).map(({ id, name, sizeGib }) =>
      entry(IconDatabase, 'Volume', { id, label: name || id, detail: gib(sizeGib) }, paths.volume(id)),
    ),
    ...items(snapshots, !isIp).map(({ id, name, volume }) =>
      entry(
        IconCamera,
        'Volume snapshot',
        { id, label: name || id, detail: volume.name },
        paths.volumeSnapshot(id),
      ),
    ),
    ...items(backups, !isIp).map(({ id, name, volume }) =>
      entry(
        IconArchive,
        'Volume backup',
        { id, label: name || id, detail: volume.name ?? volume.lastName },
        paths.volumeBackup(id),
      ),
    ),
    ...items(keyPairs, !isIp).map(({ name }) =>
      entry(IconKey, 'Key pair', { id: name, label: name }, paths.keyPair(name)),
    ),
    ...items(flavors, !isIp).map(({ id, name }) =>
      entry(IconStack2, 'Flavor', { id, label: name }, flavorPath(id)),
    ),
  ]
}

/** Finds projects and users, for people who may read the directory. */
export function useDirectory(typed: string): Entry[] {
  const trpc = useTRPC()
  const { directory } = reachOf(useSession())
  const [search] = useDebouncedValue(typed, 150)
  const input = { search, limit: 5 }
  const options = { enabled: directory && search.length > 0, placeholderData: keepPreviousData }
  const projects = useQuery({ ...trpc.directory.projects.list.queryOptions(input), ...options })
  const users = useQuery({ ...trpc.directory.users.list.queryOptions(input), ...options })
  if (typed === '' || !directory) return []
  return [
    ...(projects.data?.items ?? []).map(({ id, name, domainName }) =>
      entry(IconFolders, 'Project', { id, label: name, detail: domainName }, paths.project(id)),
    ),
    ...(users.data?.items ?? []).map(({ id, name, domainName }) =>
      entry(IconUser, 'User', { id, label: name, detail: domainName }, paths.user(id)),
    ),
  ]
}
