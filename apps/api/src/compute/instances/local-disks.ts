import type { InstanceWish } from '@stratolith/drivers/documents/interface'
import type { z } from 'zod'
import { deviceAt } from '../../volumes/contract.ts'
import type { LocalDiskView, localDiskInput } from '../contract.ts'
import type { Flavor } from '../flavors/service.ts'

/** The ephemeral and swap disks of instances: disks on the host, beside the root disk, that go with the instance. */

/** A disk as the row of an instance keeps it (Instance.localDisks). */
export type LocalDisk = Omit<LocalDiskView, 'device'>
type Wish = z.output<typeof localDiskInput>
/** A disk of a launch; the format of an ephemeral disk depends on the image when none is wished for. */
export type PlannedLocalDisk = Omit<LocalDisk, 'id' | 'format'> & { format: LocalDisk['format'] | undefined }

/** As many disks of an instance may lie on its host, its root disk included: Nova's max_local_block_devices. */
const mostOnHost = 3

/**
 * Decides which ephemeral and swap disks each instance gets: those that are wished for, and of a kind that is not wished
 * for, all that the flavor has. `problem` is Nova's sentence why that is not possible.
 */
export function planLocalDisks(
  wishes: readonly Wish[],
  { ephemeralGib, swapMib }: Pick<Flavor, 'ephemeralGib' | 'swapMib'>,
  { rootOnVolume }: { rootOnVolume: boolean },
): { disks: PlannedLocalDisk[]; problem: string | null } {
  const own = wishes.flatMap((wish) => (wish.kind === 'ephemeral' ? [wish] : []))
  const swaps = wishes.flatMap((wish) => (wish.kind === 'swap' ? [wish] : []))
  const ephemeral = (own.length > 0 ? own : [{ sizeGib: ephemeralGib, format: undefined }]).map(
    ({ sizeGib = ephemeralGib, format }) => ({
      kind: 'ephemeral' as const,
      sizeMib: sizeGib * 1024,
      format,
    }),
  )
  const swap = (swaps.length > 0 ? swaps : [{ sizeMib: swapMib }]).map(({ sizeMib = swapMib }) => ({
    ...{ kind: 'swap' as const, sizeMib, format: null },
  }))
  const disks = [...ephemeral, ...swap].filter(({ sizeMib }) => sizeMib > 0)
  const sum = ephemeral.reduce((all, { sizeMib }) => all + sizeMib, 0)
  const problem =
    sum > ephemeralGib * 1024
      ? 'Ephemeral disks requested are larger than the instance type allows. If no size is given in one block device mapping, flavor ephemeral size will be used.'
      : swap.length > 1
        ? 'More than one swap drive requested.'
        : swap.some(({ sizeMib }) => sizeMib > swapMib)
          ? 'Swap drive requested is larger than instance type allows.'
          : disks.length + (rootOnVolume ? 0 : 1) > mostOnHost
            ? 'You specified more local devices than the limit allows'
            : null
  return { disks, problem }
}

/** The disks as rows keep them. This cloud makes no file system of Windows, so its guests get empty disks. */
export const newLocalDisks = (
  planned: readonly PlannedLocalDisk[],
  { os_type: os }: Readonly<Record<string, unknown>>,
): LocalDisk[] =>
  planned.map(({ kind, sizeMib, format = os === 'windows' ? null : 'ext4' }) => ({
    ...{ id: crypto.randomUUID(), kind, sizeMib, format },
  }))

export const localDisksOf = (row: { localDisks: unknown }): LocalDisk[] => row.localDisks as LocalDisk[]

/** The disks with their names in the guest: they come after the root disk. */
export const localDiskViews = (row: { localDisks: unknown; diskBus: string }): LocalDiskView[] =>
  localDisksOf(row).map((disk, index) => ({ ...disk, device: deviceAt(row.diskBus, index + 1) }))

/**
 * The disks as the document of their instance names them; `isNew`: the host makes them. Later the host makes only those
 * of which its record of the guest does not know, because a worker of an older version has built the guest. The disks of an
 * adopted instance are never made.
 */
export function localDisksFor(
  row: { localDisks: unknown },
  isNew: boolean,
): NonNullable<InstanceWish['localDisks']> {
  let ephemeral = 0
  return localDisksOf(row).map(({ id, kind, sizeMib, format }) => ({
    ...{ id, kind },
    make:
      format === 'unknown'
        ? null
        : {
            ...{ sizeMib, format: kind === 'swap' ? ('swap' as const) : format },
            label: kind === 'swap' ? 'swap' : `ephemeral${ephemeral++}`,
          },
    ...(isNew ? {} : { isBuilt: true as const }),
  }))
}
