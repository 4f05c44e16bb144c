import { gib } from '../../kit/format.ts'
import { whole } from '../../kit/whole.ts'
import type { LaunchValues } from './values.ts'

/** A new, empty disk of the instance, as a person types it. */
export type DiskRow = {
  id: string
  sizeGib: number | string
  goes: boolean
  /** Absent or empty: the volume is named after the instance. */
  name?: string
  /** Absent or null: the default type. */
  type?: string | null
}

export const diskSources = ['image', 'volume', 'snapshot', 'backup'] as const
export type DiskSource = (typeof diskSources)[number]
/** Short words, because on a phone the four share one line. */
export const sourceWords: Record<DiskSource, string> = {
  image: 'Image',
  volume: 'Volume',
  snapshot: 'Snapshot',
  backup: 'Backup',
}
/** How many things the form offers to start from. */
export const newest = 200

/** What stands below them. `isCut`: there are more. */
export const noteBelow = (source: keyof typeof sourceNotes, isCut: boolean): string =>
  `${isCut ? `These are the newest ${newest}: launch an older one from its own page. ` : ''}${sourceNotes[source]}`

/** What follows from each source. Where a volume lies is not known here: on the disk of a machine, or where several reach it. */
export const sourceNotes: Record<Exclude<DiskSource, 'image'>, string> = {
  volume: 'The instance runs on a machine that reaches the volume.',
  snapshot:
    'The root disk is a new volume with what the snapshot keeps, in the same pool. The snapshot stays.',
  backup:
    'The root disk is a new volume with what the backup contains. A large one takes long: create the volume first then.',
}

/** The values of the form that are about volumes. */
export type DiskValues = {
  /** What the root disk begins with. */
  source: DiskSource
  volumeId: string | null
  /** The snapshot of which a new volume is made for the root disk. */
  snapshotId: string | null
  /** The backup whose content the new volume of the root disk gets. */
  backupId: string | null
  /** Whether the image is put on a new volume instead of a disk of the instance. */
  rootVolume: boolean
  rootGib: number | string
  /** Null: the default type. */
  rootType: string | null
  /** Whether the volume of the root disk is deleted with the instance. */
  rootGoes: boolean
  disks: DiskRow[]
}

export const emptyDisks: DiskValues = {
  source: 'image',
  volumeId: null,
  snapshotId: null,
  backupId: null,
  rootVolume: false,
  rootGib: '',
  rootType: null,
  rootGoes: false,
  disks: [],
}

/** The most disks that the form offers; an instance may have 25 volumes. */
export const mostDisks = 12

export const diskSizeProblem = whole(1, 65_536, 'GiB: a whole number')
const isSize = (size: number | string): boolean => diskSizeProblem(size) === null

type Disks = Pick<LaunchValues, 'imageId' | keyof DiskValues>

/** Whether the root disk is a volume. */
export const isRootOnVolume = ({ source, rootVolume }: Pick<DiskValues, 'source' | 'rootVolume'>): boolean =>
  source !== 'image' || rootVolume

/** Whether the root disk is a volume that the launch makes, whose size can be chosen. */
export const isRootMade = ({ source, rootVolume }: Pick<DiskValues, 'source' | 'rootVolume'>): boolean =>
  source === 'snapshot' || source === 'backup' || (source === 'image' && rootVolume)

/** The image of the launch; the other sources have none. */
export const imageIdOf = ({ source, imageId }: Pick<Disks, 'source' | 'imageId'>): string | undefined =>
  source === 'image' ? (imageId ?? undefined) : undefined

/** Whether it is chosen what the root disk begins with. */
export const isRootChosen = (values: Disks): boolean =>
  values.source === 'image' || (values.source === 'volume' ? values.volumeId : madeOf(values)) !== null

/**
 * The volumes of the launch for a plan. While nothing is chosen for the root disk, an empty volume stands for it, so that no
 * size is judged by a disk on the host that the instance will not have.
 */
export const plannedVolumesOf = (values: Disks) =>
  isRootChosen(values)
    ? launchVolumesOf(values)
    : [{ boot: true, from: { kind: 'blank' as const }, sizeGib: 1 }, ...launchVolumesOf(values)]

/** The volumes of the launch, without those whose size is not typed yet. */
export function launchVolumesOf(values: Disks) {
  const { disks } = values
  return [
    ...rootOf(values),
    ...disks.flatMap(({ sizeGib, goes, name, type }, index) =>
      isSize(sizeGib)
        ? {
            from: { kind: 'blank' as const },
            sizeGib: Number(sizeGib),
            name: name?.trim() || `{name}-disk-${index + 1}`,
            ...(type ? { type } : {}),
            deleteOnTermination: goes,
          }
        : [],
    ),
  ]
}

function rootOf(values: Disks) {
  const { source, volumeId, rootGib, rootType, rootGoes } = values
  const common = { boot: true, deleteOnTermination: rootGoes }
  if (source === 'volume')
    return volumeId ? [{ ...common, from: { kind: 'volume' as const, id: volumeId } }] : []
  const id = madeOf(values)
  if (!isRootMade(values) || !id) return []
  return [
    {
      ...common,
      from: { kind: source, id },
      ...(isSize(rootGib) ? { sizeGib: Number(rootGib) } : {}),
      ...(rootType ? { type: rootType } : {}),
      name: '{name}-root',
    },
  ]
}

/** The id of what the volume of the root disk is made of. */
const madeOf = ({ source, imageId, snapshotId, backupId }: Disks): string | null =>
  ({ image: imageId, volume: null, snapshot: snapshotId, backup: backupId })[source]

/** Returns the problems with disks that the form can find without asking the server. */
export function diskProblems(values: Disks): Partial<Record<keyof LaunchValues, string>> {
  const { source, volumeId, imageId, snapshotId, backupId, rootGib, disks } = values
  // Without a size the volume is as large as the snapshot or the backup.
  const isSized = isRootMade(values) && !(isSizedByItself(source) && rootGib === '')
  const size = isSized ? diskSizeProblem(rootGib) : null
  return {
    ...(source === 'image' && !imageId ? { imageId: 'Choose an image.' } : {}),
    ...(source === 'volume' && !volumeId ? { volumeId: 'Choose a volume.' } : {}),
    ...(source === 'snapshot' && !snapshotId ? { snapshotId: 'Choose a snapshot.' } : {}),
    ...(source === 'backup' && !backupId ? { backupId: 'Choose a backup.' } : {}),
    ...(size ? { rootGib: size } : {}),
    ...(disks.some(({ sizeGib }) => !isSize(sizeGib))
      ? { disks: 'Say how large each disk is to be, in GiB.' }
      : {}),
  }
}

/** Whether the new volume is as large as what it is made of when no size is typed. */
export const isSizedByItself = (source: DiskSource): boolean => source === 'snapshot' || source === 'backup'

/** Says in the summary which volumes the instance gets; empty when it gets none. */
export function disksText(values: Disks): string {
  const { source, rootGib, disks } = values
  const sizes = disks.flatMap(({ sizeGib }) => (isSize(sizeGib) ? gib(Number(sizeGib)) : []))
  return [
    ...(isRootMade(values) && isSize(rootGib)
      ? [`root disk: a new volume of ${gib(Number(rootGib))}`]
      : isSizedByItself(source)
        ? [`root disk: a new volume as large as the ${source}`]
        : []),
    ...(sizes.length > 0 ? [`more disks: ${sizes.join(', ')}`] : []),
  ].join('; ')
}

/** The words of the stock client for the disks; `image` is the name of the image. */
export function diskWords(values: Disks, image: string | null): string[] {
  return [
    ...rootWords(values, image),
    ...values.disks.flatMap(({ sizeGib, goes, type }) => [
      '--block-device',
      device({
        source_type: 'blank',
        destination_type: 'volume',
        volume_size: isSize(sizeGib) ? Number(sizeGib) : 'GIB',
        ...(type ? { volume_type: type } : {}),
        ...(goes ? { delete_on_termination: true } : {}),
      }),
    ]),
  ]
}

function rootWords(values: Disks, image: string | null): string[] {
  const { source, volumeId, imageId, snapshotId, rootVolume, rootGib, rootType, rootGoes } = values
  const goes: Properties = rootGoes ? { delete_on_termination: true } : {}
  if (source === 'volume') {
    const uuid = volumeId ?? 'VOLUME'
    return rootGoes
      ? [
          '--block-device',
          device({ uuid, source_type: 'volume', destination_type: 'volume', boot_index: 0, ...goes }),
        ]
      : ['--volume', uuid]
  }
  // The stock client makes such a volume by a command of its own.
  if (source === 'backup') return ['--volume', 'VOLUME']
  if (source === 'image' && !rootVolume) return ['--image', image ?? 'IMAGE']
  const size = isSize(rootGib) ? Number(rootGib) : 'GIB'
  if (source === 'image' && !rootGoes && !rootType)
    return ['--image', image ?? 'IMAGE', '--boot-from-volume', String(size)]
  return [
    '--block-device',
    device({
      uuid: source === 'image' ? (imageId ?? 'IMAGE') : (snapshotId ?? 'SNAPSHOT'),
      ...{ source_type: source, destination_type: 'volume', boot_index: 0 },
      ...(source === 'snapshot' && rootGib === '' ? {} : { volume_size: size }),
      ...{ ...(rootType ? { volume_type: rootType } : {}), ...goes },
    }),
  ]
}

type Properties = Record<string, string | number | boolean>
const device = (properties: Properties): string =>
  Object.entries(properties)
    .map(([key, value]) => `${key}=${value}`)
    .join(',')
