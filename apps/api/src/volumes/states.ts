import type { Allowed } from '../kernel/contract.ts'
import type { VolumeView } from './contract.ts'

/** States of volumes, in the words of OpenStack's block storage, and the actions that each state allows. Without zod, so that pages load little. */
export const volumeStates = [
  'creating',
  'available',
  'reserved',
  'attaching',
  'in-use',
  'detaching',
  'extending',
  'awaiting-transfer',
  'reverting',
  'retyping',
  'maintenance',
  'uploading',
  'downloading',
  'backing-up',
  'restoring-backup',
  'deleting',
  'error',
  'error_extending',
  'error_restoring',
  'error_deleting',
] as const
export type VolumeState = (typeof volumeStates)[number]
/** The states after something has failed, which lists find together. */
export const failedStates = volumeStates.filter((state) => state.startsWith('error'))
export const volumeTransitioning = (state: VolumeState): boolean =>
  [
    ...['creating', 'attaching', 'detaching', 'extending', 'reverting', 'uploading', 'downloading'],
    ...['retyping', 'maintenance'],
    ...['backing-up', 'restoring-backup', 'deleting'],
  ].includes(state)

/** The name of the disk from which a guest starts, whether or not that disk is a volume. */
export const rootDevice = '/dev/vda'
/** Guests whose image asks for SCSI call their disks otherwise. */
export const rootDeviceOf = (diskBus: string): string => (diskBus === 'scsi' ? '/dev/sda' : rootDevice)
/** The name of the disk at that place among the disks of a guest; the root disk is at 0. */
export const deviceAt = (diskBus: string, place: number): string =>
  `${rootDeviceOf(diskBus).slice(0, -1)}${String.fromCharCode('a'.charCodeAt(0) + place)}`
export const isRootDevice = (device: string): boolean =>
  ['virtio', 'scsi'].some((bus) => rootDeviceOf(bus) === device)
export const isRootVolume = ({ attachments }: { attachments: readonly { device: string }[] }): boolean =>
  attachments.some(({ device }) => isRootDevice(device))

type Taken = Pick<VolumeView, 'state'> & { attachments: readonly { state: string }[] }
/** Somebody outside of the cloud's compute has reserved the volume, so that nobody else gets it. */
export const isReserved = ({ state, attachments }: Taken): boolean =>
  state === 'reserved' || (state === 'attaching' && attachments.length === 0)
/** Somebody has said that the volume will be detached, and no instance has begun to give it up. */
export const isAnnounced = ({ state, attachments }: Taken): boolean =>
  state === 'detaching' && attachments.every((one) => one.state === 'attached')

type Seen = Pick<VolumeView, 'state'> & {
  attachments?: readonly { state: string }[]
  multiattach?: boolean
  groupId?: string | null
  encrypted?: boolean
  isWhole?: boolean
  hasSnapshots?: boolean
  protected?: boolean
  isLun?: boolean
}
const outOfGroups = ({ groupId }: Seen): Allowed =>
  groupId == null || 'The volume is in a group. Take it out of the group first.'
/** A volume that several guests write is one raw file, without layers. */
const oneLayer = ({ multiattach }: Seen): Allowed =>
  !multiattach ||
  'This volume is for several instances at once: it has neither snapshots nor copies, images and backups.'
/** A LUN has no snapshots, so that nobody can read it while a guest writes. */
const notWritten = (volume: Seen): Allowed =>
  !volume.isLun ||
  !is(volume, 'in-use') ||
  'An instance uses this volume, which lies on a LUN and cannot be read at one moment meanwhile. Detach it first.'
/** The first reason that forbids an action. */
const both = (...all: Allowed[]): Allowed => all.find((one) => one !== true) ?? true
const is = ({ state }: Seen, ...some: VolumeState[]) => some.includes(state)

const sayings: Readonly<Record<string, string>> = {
  creating: 'being made',
  attaching: 'being attached',
  'in-use': 'in use',
  detaching: 'being detached',
  extending: 'being made larger',
  'awaiting-transfer': 'offered to another project',
  reverting: 'going back to a snapshot',
  retyping: 'getting another type',
  maintenance: 'being moved',
  uploading: 'being copied to an image',
  downloading: 'getting what an image contains',
  'backing-up': 'being backed up',
  'restoring-backup': 'being restored from a backup',
  restoring: 'being restored',
  deleting: 'being deleted',
  error: 'in an error state',
  error_extending: 'in an error state after it could not be made larger',
  error_restoring: 'in an error state after it could not be restored',
  error_deleting: 'in an error state after it could not be deleted',
}
/** A state of a volume, a snapshot, a backup or a group in the words of a sentence, behind “is”. */
export const said = ({ state }: { state: string }): string => sayings[state] ?? state

/** The actions that the state of a volume forbids; the policy may forbid more. */
export const volumeCan = {
  attach: (volume: Seen): Allowed =>
    is(volume, 'available') ||
    (volume.multiattach === true && is(volume, 'in-use')) ||
    `Only an available volume can be attached; this one is ${said(volume)}.`,
  launch: (volume: Seen & Pick<VolumeView, 'bootable'>): Allowed =>
    volume.multiattach
      ? 'No system is started from a volume that several instances may have.'
      : !volume.bootable
        ? 'It has no system: only a volume that was made from an image, or is marked as bootable, can be launched.'
        : is(volume, 'available') || `Only an available volume can be launched; this one is ${said(volume)}.`,
  reserve: (volume: Seen): Allowed =>
    is(volume, 'available') || `Only an available volume can be reserved; this one is ${said(volume)}.`,
  detach: (volume: Seen): Allowed =>
    is(volume, 'in-use') ||
    (volume.attachments !== undefined &&
      isAnnounced({ state: volume.state, attachments: volume.attachments })) ||
    `Only a volume that is in use can be detached; this one is ${said(volume)}.`,
  extend: (volume: Seen): Allowed =>
    (volume.multiattach === true && is(volume, 'in-use')
      ? 'Instances may share this volume: it grows when none of them has it.'
      : is(volume, 'available', 'in-use', 'error_extending')) ||
    `Only a volume that is available or in use can grow; this one is ${said(volume)}.`,
  transfer: (volume: Seen): Allowed =>
    both(
      is(volume, 'available') ||
        `Only an available volume can be offered to another project; this one is ${said(volume)}.`,
      outOfGroups(volume),
    ),
  snapshot: (volume: Seen): Allowed =>
    both(
      oneLayer(volume),
      !volume.isLun ||
        'This volume lies on a LUN, which has no snapshots. Copy it or back it up instead, while no instance has it.',
      is(volume, 'available', 'in-use') ||
        `Only a volume that is available or in use can be kept in a snapshot; this one is ${said(volume)}.`,
    ),
  /** Another volume can be made of it. */
  copy: (volume: Seen): Allowed =>
    both(
      oneLayer(volume),
      notWritten(volume),
      is(volume, 'available', 'in-use') ||
        `Only a volume that is available or in use can be copied; this one is ${said(volume)}.`,
    ),
  backUp: (volume: Seen): Allowed =>
    both(
      oneLayer(volume),
      notWritten(volume),
      is(volume, 'available', 'in-use') ||
        `Only a volume that is available or in use can be backed up; this one is ${said(volume)}.`,
    ),
  restore: (volume: Seen): Allowed =>
    both(
      oneLayer(volume),
      // After a restore that failed, the volume has its old content and can be asked again.
      is(volume, 'available', 'error_restoring') ||
        (is(volume, 'in-use')
          ? 'An instance uses this volume. Detach it first.'
          : `A backup can be restored only to an available volume; this one is ${said(volume)}.`),
    ),
  revert: (volume: Seen): Allowed =>
    // After a return that failed, the volume is in the state error and can be asked again.
    is(volume, 'available', 'error') ||
    (is(volume, 'in-use')
      ? 'An instance uses this volume. Detach it first.'
      : `Only an available volume can go back to a snapshot; this one is ${said(volume)}.`),
  /** The volume can become one of a group. */
  join: (volume: Seen): Allowed =>
    is(volume, 'available', 'in-use') ||
    `Only a volume that is available or in use can be in a group; this one is ${said(volume)}.`,
  retype: (volume: Seen): Allowed =>
    both(
      is(volume, 'available', 'in-use') ||
        `Only a volume that is available or in use can get another type; this one is ${said(volume)}.`,
      outOfGroups(volume),
    ),
  move: (volume: Seen): Allowed =>
    both(
      is(volume, 'available', 'in-use') ||
        `Only a volume that is available or in use can be moved to another pool; this one is ${said(volume)}.`,
      !is(volume, 'in-use') ||
        !volume.multiattach ||
        'Instances may share this volume: it moves when none of them has it.',
      outOfGroups(volume),
    ),
  stopMove: (volume: Pick<Seen, 'state'>): Allowed =>
    is(volume, 'retyping', 'maintenance') || `This volume is not being moved: it is ${said(volume)}.`,
  makeImage: (volume: Seen): Allowed =>
    both(
      oneLayer(volume),
      notWritten(volume),
      is(volume, 'available', 'in-use') ||
        `Only of a volume that is available or in use can an image be made; this one is ${said(volume)}.`,
      !volume.encrypted ||
        'An image of an encrypted volume would not be encrypted. Back the volume up instead.',
    ),
  reimage: (volume: Seen): Allowed =>
    both(
      oneLayer(volume),
      // After a failure the volume is in the state error and can be asked again.
      is(volume, 'available', 'error') ||
        (is(volume, 'in-use')
          ? 'An instance uses this volume. Detach it first.'
          : `Only an available volume can get what an image contains; this one is ${said(volume)}.`),
      !volume.encrypted || 'No image is written onto an encrypted volume. Make a new volume of the image.',
    ),
  /** The volume can be backed up automatically. */
  schedule: (volume: Seen): Allowed => oneLayer(volume),
  /** The volume has failed to do something, and its content is whole. */
  asIs: (volume: Seen): Allowed =>
    (is(volume, 'error', 'error_extending', 'error_restoring') && volume.isWhole === true) ||
    (is(volume, 'error', 'error_restoring')
      ? 'Nobody can say whether the content of this volume is whole. An administrator can set its state all the same.'
      : `Only a volume whose last operation has failed needs this; this one is ${said(volume)}.`),
  setReadOnly: (volume: Seen): Allowed =>
    is(volume, 'available') ||
    `Only an available volume can be made read-only or writable; this one is ${said(volume)}.`,
  /** The volume can be deleted in whatever state it is. */
  lose: (volume: Seen): Allowed =>
    !volume.protected ||
    'This volume is protected from deletion. Edit the volume to take the protection back.',
  delete: (volume: Seen): Allowed =>
    both(
      volumeCan.lose(volume),
      is(volume, 'available', 'error', 'error_extending', 'error_restoring', 'error_deleting') ||
        (is(volume, 'in-use')
          ? 'An instance uses this volume. Detach it first.'
          : is(volume, 'reserved')
            ? 'This volume is reserved. End the reservation first.'
            : is(volume, 'awaiting-transfer')
              ? 'This volume is offered to another project. Withdraw the offer first.'
              : `This volume is ${said(volume)}. Wait until that is over.`),
      volume.groupId == null || 'This volume is in a group. Take it out of the group, or delete the group.',
      !volume.hasSnapshots || 'This volume has snapshots. Delete the snapshots first.',
    ),
}
