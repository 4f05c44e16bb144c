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
import { type DiskValues, newest, type plannedVolumesOf } from './disks.ts'
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

/** The newest things with a system, which the form offers. */
const offered = { state: 'available', bootable: true, limit: newest } as const

type VolumeOptions = {
  volumes: VolumeView[] | null
  snapshots: SnapshotView[] | null
  backups: BackupView[] | null
  /** Whether older things than these can be started from, too. */
  isCut: boolean
  types: VolumeTypeView[]
}

/**
 * Returns the volumes, snapshots and backups from which an instance can start, which are read when they are asked for, and the
 * types of volumes. What is chosen is among them, even if it is too old for the list: pages of things lead here with `?backup=`.
 */
export function useVolumeOptions({ source, ...chosen }: Chosen): VolumeOptions {
  const trpc = useTRPC()
  const { list, get, snapshots, backups, types } = trpc.volumes
  const asked = (of: Chosen['source']) => ({ enabled: source === of })
  const [volume, snapshot, backup] = [
    useQuery(list.queryOptions(offered, asked('volume'))),
    useQuery(snapshots.list.queryOptions(offered, asked('snapshot'))),
    useQuery(backups.list.queryOptions(offered, asked('backup'))),
  ]
  const isCut = {
    image: false,
    volume: hasMore(volume),
    snapshot: hasMore(snapshot),
    backup: hasMore(backup),
  }
  const old = (of: Exclude<Chosen['source'], 'image'>) => {
    const id = chosen[`${of}Id`]
    return [{ id: id ?? '' }, { enabled: source === of && isCut[of] && id !== null }] as const
  }
  const oldVolume = useQuery(get.queryOptions(...old('volume')))
  const oldSnapshot = useQuery(snapshots.get.queryOptions(...old('snapshot')))
  const oldBackup = useQuery(backups.get.queryOptions(...old('backup')))
  return {
    volumes: withChosen(volume.data?.items, oldVolume.data),
    snapshots: withChosen(snapshot.data?.items, oldSnapshot.data),
    backups: withChosen(backup.data?.items, oldBackup.data),
    isCut: isCut[source],
    types: useQuery(types.usable.queryOptions()).data?.types ?? [],
  }
}

type Chosen = Pick<DiskValues, 'source' | 'volumeId' | 'snapshotId' | 'backupId'>
const hasMore = ({ data }: { data: { next: string | null } | undefined }): boolean =>
  data !== undefined && data.next !== null

/** The rows of a list, and before them what is chosen, if it is not among them; null while the list is being read. */
export const withChosen = <T extends { id: string }>(
  items: T[] | undefined,
  chosen: T | undefined,
): T[] | null =>
  chosen && items && !items.some(({ id }) => id === chosen.id) ? [chosen, ...items] : (items ?? null)

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
  wished: ReturnType<typeof plannedVolumesOf>,
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
