'use client'
import { useDebouncedValue } from '@mantine/hooks'
import type { FlavorView, KeyPairView, LaunchPlan } from '@stratolith/api/compute/contract'
import type { ImageView } from '@stratolith/api/images/contract'
import type { NetworkView, SecurityGroupView } from '@stratolith/api/networking/contract'
import type { BackupView } from '@stratolith/api/volumes/backups/contract'
import type { VolumeTypeView, VolumeView } from '@stratolith/api/volumes/contract'
import type { SnapshotView } from '@stratolith/api/volumes/snapshots/contract'
import { useQueries, useQuery } from '@tanstack/react-query'
import { useTRPC } from '../../kit/trpc.ts'
import { imageDiskGib } from './defaults.ts'
import type { DiskValues, launchVolumesOf } from './disks.ts'
import { optionReads } from './reads.ts'

/** What the form offers. While a list is read again, its old rows stay. */
export type LaunchOptions = {
  images: ImageView[]
  flavors: FlavorView[]
  networks: NetworkView[]
  externalNetwork: NetworkView | null
  securityGroups: SecurityGroupView[]
  keyPairs: KeyPairView[]
}

/**
 * Returns all lists that the form needs, which the event stream keeps up to date; null until each list has come once.
 */
export function useLaunchOptions(): { options: LaunchOptions | null; error: unknown; retry: () => void } {
  const trpc = useTRPC()
  const reads = optionReads(trpc)
  const images = useQuery(reads.images)
  const flavors = useQuery(reads.flavors)
  const networks = useQuery(reads.networks)
  const groups = useQuery(reads.groups)
  const keys = useQuery(reads.keys)
  const all = [images, flavors, networks, groups, keys]
  const error = all.find((query) => query.isError && !query.data)?.error ?? null
  const retry = () => {
    for (const query of all) if (query.isError) void query.refetch()
  }
  if (!images.data || !flavors.data || !networks.data || !groups.data || !keys.data)
    return { options: null, error, retry }
  return {
    options: {
      images: images.data.items,
      flavors: flavors.data.items,
      networks: networks.data.items.filter((network) => !network.external),
      externalNetwork: networks.data.items.find((network) => network.external) ?? null,
      securityGroups: groups.data.items,
      keyPairs: keys.data.items,
    },
    error: null,
    retry,
  }
}

/** Returns the volumes, snapshots and backups from which an instance can start, which are read when they are asked for, and the types of volumes. */
export function useVolumeOptions(source: DiskValues['source']): {
  volumes: VolumeView[] | null
  snapshots: SnapshotView[] | null
  backups: BackupView[] | null
  types: VolumeTypeView[]
} {
  const trpc = useTRPC()
  const volumes = useQuery(
    trpc.volumes.list.queryOptions(
      { state: 'available', bootable: true, limit: 200 },
      { enabled: source === 'volume' },
    ),
  )
  const snapshots = useQuery(
    trpc.volumes.snapshots.list.queryOptions(
      { state: 'available', limit: 200 },
      { enabled: source === 'snapshot' },
    ),
  )
  const backups = useQuery(
    trpc.volumes.backups.list.queryOptions(
      { state: 'available', limit: 200 },
      { enabled: source === 'backup' },
    ),
  )
  const types = useQuery(trpc.volumes.types.usable.queryOptions())
  return {
    volumes: volumes.data?.items ?? null,
    snapshots: bootableOf(snapshots.data),
    backups: bootableOf(backups.data),
    types: types.data?.types ?? [],
  }
}

const bootableOf = <T extends { bootable: boolean }>(page: { items: T[] } | undefined): T[] | null =>
  page?.items.filter(({ bootable }) => bootable) ?? null

/** Returns the first problem that another size might not have. */
export const sizeProblem = (plan: Pick<LaunchPlan, 'problems' | 'closed'> | undefined) =>
  plan?.problems.find(
    ({ field, message }) => field === 'flavorId' || (field === null && message !== plan.closed),
  )

/** When there are more sizes than this, a size is judged only when it is chosen. */
const judgedFlavors = 24

/**
 * Returns why each size would not do now, for this image and count (placement and quota included): flavor ID →
 * sentence. Asked in one batch, and again only when image, volumes or count change.
 */
export function useFlavorProblems(
  flavors: readonly FlavorView[],
  image: ImageView | null,
  count: number,
  wished: ReturnType<typeof launchVolumesOf>,
): Map<string, string> {
  const trpc = useTRPC()
  // Somebody may be typing the size of a disk.
  const [volumes] = useDebouncedValue(JSON.stringify(wished), 500)
  const judged = flavors.slice(0, judgedFlavors)
  const plans = useQueries({
    queries: judged.map((flavor) =>
      trpc.compute.instances.plan.queryOptions(
        { flavorId: flavor.id, imageId: image?.id, count, volumes: JSON.parse(volumes) },
        { staleTime: 30_000 },
      ),
    ),
  })
  const problems = new Map<string, string>()
  for (const [index, flavor] of judged.entries()) {
    const found = sizeProblem(plans[index]?.data)
    if (found) problems.set(flavor.id, found.message)
    else if (image && flavor.diskGib < imageDiskGib(image))
      problems.set(flavor.id, `The image needs ${imageDiskGib(image)} GiB of disk.`)
  }
  return problems
}
