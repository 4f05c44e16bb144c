import { gib, mib } from '../kit/format.ts'

type LocalSizes = { ephemeralGib: number; swapMib: number }

/** The disks of a flavor beside its root disk, in words; empty when it has none. */
export const localDisksText = ({ ephemeralGib, swapMib }: LocalSizes): string =>
  [ephemeralGib > 0 ? `${gib(ephemeralGib)} ephemeral` : '', swapMib > 0 ? `${mib(swapMib)} swap` : '']
    .filter(Boolean)
    .join(', ')

/** All disks of a flavor in words. */
export const disksOfFlavor = (flavor: LocalSizes & { diskGib: number }): string =>
  [gib(flavor.diskGib), localDisksText(flavor)].filter(Boolean).join(', ')
