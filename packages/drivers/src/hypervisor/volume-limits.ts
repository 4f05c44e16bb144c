import { DriverError } from '../errors.ts'
import type { VolumeAttachment, VolumeLimits } from './interface.ts'
import type { QmpClient } from './qmp.ts'
import { volumeNames } from './volume-node.ts'

/** QEMU's names of the limits. */
const words = {
  ...{ bpsTotal: 'bps-total', bpsRead: 'bps-read', bpsWrite: 'bps-write' },
  ...{ bpsTotalMax: 'bps-total-max', bpsReadMax: 'bps-read-max', bpsWriteMax: 'bps-write-max' },
  ...{ iopsTotal: 'iops-total', iopsRead: 'iops-read', iopsWrite: 'iops-write' },
  ...{ iopsTotalMax: 'iops-total-max', iopsReadMax: 'iops-read-max', iopsWriteMax: 'iops-write-max' },
  iopsSize: 'iops-size',
} as const satisfies Record<keyof VolumeLimits, string>

/** All limits, with 0 for those that are not set: QEMU keeps the old value of a limit that is left out. */
const allLimits = (limits: VolumeLimits): Record<string, number> =>
  Object.fromEntries(
    Object.entries(words).map(([key, word]) => [word, limits[key as keyof VolumeLimits] ?? 0]),
  )

/** The object that bounds the speed of a volume, as -object and object-add take it. */
export const limitsObjectOf = ({ id, limits }: { id: string; limits: VolumeLimits }) => ({
  ...{ 'qom-type': 'throttle-group', id: volumeNames(id).limits },
  limits: allLimits(limits),
})

/** Gives a volume that a running guest has its limits. Limits that hold already are left alone, because to set them again would pardon what was used. */
export async function limitVolume(
  qmp: QmpClient,
  { id, limits = {} }: Pick<VolumeAttachment, 'id' | 'limits'>,
): Promise<void> {
  const object = { path: `/objects/${volumeNames(id).limits}`, property: 'limits' }
  const now = await qmp.execute('qom-get', object).catch((cause: unknown) => {
    if (Object.keys(limits).length === 0) return null
    throw new DriverError(
      'conflict',
      'An older agent has started this guest, so that its volumes cannot be limited: stop and start the guest.',
      { cause },
    )
  })
  const wanted = allLimits(limits)
  const isSo = ([word, value]: [string, number]) => Reflect.get(now as object, word) === value
  if (now === null || Object.entries(wanted).every(isSo)) return
  await qmp.execute('qom-set', { ...object, value: wanted })
}
