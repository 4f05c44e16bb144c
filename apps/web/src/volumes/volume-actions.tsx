'use client'
import { Text } from '@mantine/core'
import type { Allowed } from '@stratolith/api/kernel/contract'
import type { VolumeView } from '@stratolith/api/volumes/contract'
import { isReserved, isRootVolume, volumeCan } from '@stratolith/api/volumes/states'
import {
  IconArchive,
  IconArrowsMaximize,
  IconCamera,
  IconCategory,
  IconCircleCheck,
  IconCopy,
  IconDatabaseExport,
  IconDisc,
  IconLockOpen,
  IconPencil,
  IconPlayerStop,
  IconPlugConnected,
  IconPlugConnectedX,
  IconRefresh,
  IconRocket,
  IconTransferIn,
  IconTransferOut,
  IconTrash,
} from '@tabler/icons-react'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import type { ResourceAction } from '../kit/descriptor.ts'
import { useRouter } from '../kit/navigation.tsx'
import { paths } from '../kit/paths.ts'
import { all, useAdminOnly, useMay } from '../kit/rights.ts'
import { useSession } from '../kit/session.ts'
import { useTRPC } from '../kit/trpc.ts'
import { volumeAsIsCli, volumeDeleteCli, volumeDetachCli } from './cli.ts'
import { LossText } from './LossText.tsx'
import { takeBackOffer } from './trash/undo.ts'
import { volumeName } from './volume.descriptor.tsx'
import { inItsProject } from './words.ts'

type Action = ResourceAction<VolumeView>
export type VolumeForm =
  | ('edit' | 'extend' | 'attach' | 'transfer' | 'snapshot' | 'copy' | 'backup')
  | ('image' | 'reimage' | 'retype' | 'move')

const named = (volumes: readonly VolumeView[]): string =>
  volumes.length === 1 && volumes[0] ? `“${volumeName(volumes[0])}”` : `${volumes.length} volumes`

/** The actions on a volume; `open` opens the panels of those that ask for more. */
export function useVolumeActions(open: (form: VolumeForm, volume: VolumeView) => void): Action[] {
  const may = useMay()
  const admin = useAdminOnly()
  const here = useSession().project?.id
  const mine = (volume: VolumeView) => may(volume.projectId === here)
  const remove = useDeleteAction(mine)
  const detach = useDetachAction()
  const withdraw = useWithdrawAction()
  const endReservation = useEndReservation(mine)
  const stopMove = useStopMove(mine, admin)
  const asIs = useAsIsAction(mine)
  const router = useRouter()
  return [
    {
      id: 'attach',
      label: 'Attach',
      group: 'use',
      icon: <IconPlugConnected size={16} />,
      opposite: 'detach',
      shown: ({ attachments, multiattach }) => attachments.length === 0 || multiattach,
      next: ({ state }) => state === 'available',
      allowed: (volume) => all(mine(volume), volumeCan.attach(volume)),
      open: (volume) => open('attach', volume),
    },
    detach,
    {
      id: 'extend',
      label: 'Extend',
      group: 'use',
      icon: <IconArrowsMaximize size={16} />,
      allowed: (volume) => all(mine(volume), volumeCan.extend(volume)),
      open: (volume) => open('extend', volume),
    },
    asIs,
    endReservation,
    {
      id: 'launch',
      label: 'Launch instance',
      group: 'use',
      icon: <IconRocket size={16} />,
      inMenu: () => true,
      shown: ({ bootable, multiattach }) => bootable && !multiattach,
      allowed: (volume) => all(mine(volume), volumeCan.launch(volume)),
      open: ({ id }) => router.push(`${paths.launch}?volume=${id}`),
    },
    ...keeping(open, mine, here),
    {
      id: 'edit',
      label: 'Edit',
      group: 'change',
      icon: <IconPencil size={16} />,
      allowed: mine,
      open: (volume) => open('edit', volume),
    },
    ...placing(open, mine, admin),
    stopMove,
    {
      id: 'transfer',
      label: 'Transfer to another project',
      group: 'change',
      icon: <IconTransferOut size={16} />,
      opposite: 'withdraw',
      allowed: (volume) => all(mine(volume), volumeCan.transfer(volume)),
      open: (volume) => open('transfer', volume),
    },
    withdraw,
    reimage(open, mine),
    remove,
  ]
}

/** Deletes volumes, which can be taken back for a while. */
function useDeleteAction(mine: (volume: VolumeView) => Allowed): Action {
  const trpc = useTRPC()
  const remove = useMutation(trpc.volumes.delete.mutationOptions())
  const takeBack = useMutation(trpc.volumes.trash.takeBack.mutationOptions())
  return {
    id: 'delete',
    label: 'Delete',
    icon: <IconTrash size={16} />,
    danger: true,
    bulk: true,
    allowed: (volume) => all(mine(volume), volumeCan.delete(volume)),
    confirm: (volumes) => ({
      title: `Delete ${named(volumes)}?`,
      body: <LossText volumes={volumes} />,
      confirmLabel: volumes.length === 1 ? 'Delete' : `Delete ${volumes.length}`,
    }),
    run: ({ id }) => remove.mutateAsync({ id }),
    started: (volumes) => `Deleting ${named(volumes)}`,
    undo: (volumes, answers) =>
      takeBackOffer(
        volumes.map(({ id }) => id),
        named(volumes),
        answers,
        (id) => takeBack.mutateAsync({ id }),
      ),
    asCli: ({ id }) => volumeDeleteCli(id),
  }
}

/** Makes a volume available again whose last operation has failed without harm to its content. */
function useAsIsAction(mine: (volume: VolumeView) => Allowed): Action {
  const trpc = useTRPC()
  const keep = useMutation(trpc.volumes.useAsIs.mutationOptions())
  return {
    id: 'as-is',
    label: 'Use it as it is',
    group: 'use',
    inMenu: () => true,
    icon: <IconCircleCheck size={16} />,
    shown: ({ state }) => state.startsWith('error'),
    next: ({ isWhole }) => isWhole,
    // A page shows only the one of the two that is possible: nothing has failed on a volume that can be attached.
    opposite: 'attach',
    allowed: (volume) => all(mine(volume), volumeCan.asIs(volume)),
    run: ({ id }) => keep.mutateAsync({ id }),
    started: (volumes) => `${named(volumes)} is available again`,
    asCli: ({ id }) => volumeAsIsCli(id),
  }
}

/** A volume for several instances never has snapshots, copies, backups and images. */
const isOne = ({ multiattach }: VolumeView): boolean => !multiattach

/** The actions that keep what a volume contains now; it goes on meanwhile. */
const keeping = (
  open: (form: VolumeForm, volume: VolumeView) => void,
  mine: (volume: VolumeView) => Allowed,
  here: string | undefined,
): Action[] =>
  [
    {
      id: 'snapshot',
      label: 'Take snapshot',
      icon: <IconCamera size={16} />,
      allowed: (volume: VolumeView) => all(mine(volume), volumeCan.snapshot(volume)),
      open: (volume: VolumeView) => open('snapshot', volume),
    },
    {
      id: 'backup',
      label: 'Back up',
      icon: <IconArchive size={16} />,
      allowed: (volume: VolumeView) => all(mine(volume), volumeCan.backUp(volume)),
      open: (volume: VolumeView) => open('backup', volume),
    },
    {
      id: 'copy',
      label: 'Copy',
      icon: <IconCopy size={16} />,
      allowed: (volume: VolumeView) =>
        all(mine(volume), inItsProject(volume.projectId === here, 'copy'), volumeCan.copy(volume)),
      open: (volume: VolumeView) => open('copy', volume),
    },
    {
      id: 'image',
      label: 'Make an image',
      icon: <IconDisc size={16} />,
      allowed: (volume: VolumeView) => all(mine(volume), volumeCan.makeImage(volume)),
      open: (volume: VolumeView) => open('image', volume),
    },
  ].map((action) => ({ ...action, group: 'keep', shown: isOne }))

/** The action by which an image becomes what the volume contains. */
const reimage = (
  open: (form: VolumeForm, volume: VolumeView) => void,
  mine: (volume: VolumeView) => Allowed,
): Action => ({
  id: 'reimage',
  label: 'Write an image onto it',
  icon: <IconRefresh size={16} />,
  danger: true,
  shown: isOne,
  allowed: (volume) => all(mine(volume), volumeCan.reimage(volume)),
  open: (volume) => open('reimage', volume),
})

/** The actions that change where the volume lies. */
const placing = (
  open: (form: VolumeForm, volume: VolumeView) => void,
  mine: (volume: VolumeView) => Allowed,
  admin: () => Allowed,
): Action[] => [
  {
    id: 'retype',
    label: 'Change type',
    group: 'change',
    icon: <IconCategory size={16} />,
    allowed: (volume) => all(mine(volume), volumeCan.retype(volume)),
    open: (volume) => open('retype', volume),
  },
  {
    id: 'move',
    label: 'Move to another pool',
    group: 'change',
    icon: <IconDatabaseExport size={16} />,
    shown: () => admin() === true,
    allowed: (volume) => all(admin(), volumeCan.move(volume)),
    open: (volume) => open('move', volume),
  },
]

/** Stops moves that copy. A move that an administrator has begun is stopped by administrators. */
function useStopMove(mine: (volume: VolumeView) => Allowed, admin: () => Allowed): Action {
  const trpc = useTRPC()
  const stop = useMutation(trpc.volumes.stopMove.mutationOptions())
  const mayStop = (volume: VolumeView) => (volume.state === 'maintenance' ? admin() : mine(volume))
  const isMoving = (volume: VolumeView) => volumeCan.stopMove(volume) === true
  return {
    id: 'stopMove',
    label: 'Stop moving',
    group: 'change',
    inMenu: () => true,
    icon: <IconPlayerStop size={16} />,
    shown: isMoving,
    allowed: (volume) => all(mayStop(volume), volumeCan.stopMove(volume)),
    confirm: (volumes) => ({
      title: `Stop moving ${named(volumes)}?`,
      body: 'The volume stays in its pool with its type, and what was copied is removed. When all was copied already, the move is kept.',
      confirmLabel: 'Stop moving',
    }),
    run: ({ id }) => stop.mutateAsync({ id }),
    started: (volumes) => `The move of ${named(volumes)} is being stopped`,
  }
}

/** Makes volumes available that a client of OpenStack's API has reserved. */
function useEndReservation(mine: (volume: VolumeView) => Allowed): Action {
  const trpc = useTRPC()
  const end = useMutation(trpc.volumes.endReservation.mutationOptions())
  return {
    id: 'endReservation',
    label: 'End the reservation',
    group: 'use',
    inMenu: () => true,
    icon: <IconLockOpen size={16} />,
    shown: isReserved,
    next: isReserved,
    allowed: (volume) => all(mine(volume), isReserved(volume) || 'Nobody has reserved this volume.'),
    run: ({ id }) => end.mutateAsync({ id }),
    started: (volumes) => `${named(volumes)} is not reserved any more`,
  }
}

/** Takes back the offer of a volume to another project. */
function useWithdrawAction(): Action {
  const trpc = useTRPC()
  const client = useQueryClient()
  const may = useMay()
  const here = useSession().project?.id
  const withdraw = useMutation(trpc.volumes.transfers.delete.mutationOptions())
  return {
    id: 'withdraw',
    label: 'Withdraw the offer',
    group: 'change',
    icon: <IconTransferIn size={16} />,
    shown: ({ state }) => state === 'awaiting-transfer',
    opposite: 'transfer',
    next: ({ state }) => state === 'awaiting-transfer',
    allowed: (volume) =>
      all(
        may(volume.projectId === here),
        volume.state === 'awaiting-transfer' || 'This volume is not offered.',
      ),
    run: async ({ id, projectId }) => {
      const wish = { volumeId: id, allProjects: projectId !== here, limit: 1 }
      const { items } = await client.fetchQuery(trpc.volumes.transfers.list.queryOptions(wish))
      await Promise.all(items.map((transfer) => withdraw.mutateAsync({ id: transfer.id })))
    },
    started: (volumes) => `${named(volumes)} is not offered any more`,
  }
}

const stays = 'The instance starts from this volume, and has it until it is deleted.'

const shared = 'Several instances have this volume: its page detaches it from each of them.'

/** Takes a volume from its instance, or from that one of several. */
export function useDetachAction(instanceId?: string): Action {
  const of = ({ attachments }: VolumeView) =>
    instanceId === undefined ? attachments[0] : attachments.find((one) => one.instanceId === instanceId)
  const trpc = useTRPC()
  const may = useMay()
  const here = useSession().project?.id
  const detach = useMutation(trpc.compute.instances.detachVolume.mutationOptions())
  return {
    id: 'detach',
    label: 'Detach',
    group: 'use',
    // A button that can never be pressed would only take the place of another one.
    inMenu: (volume) => isRootVolume(volume) || (instanceId === undefined && volume.attachments.length > 1),
    icon: <IconPlugConnectedX size={16} />,
    shown: ({ attachments }) => attachments.length > 0,
    opposite: 'attach',
    allowed: (volume) =>
      all(
        may(volume.projectId === here),
        !isRootVolume(volume) || stays,
        volumeCan.detach(volume),
        instanceId !== undefined || volume.attachments.length < 2 || shared,
      ),
    confirm: (volumes) => ({
      title: `Detach ${named(volumes)} from “${(volumes[0] && of(volumes[0])?.instanceName) ?? 'its instance'}”?`,
      body: (
        <Text size="sm">
          Unmount it in the guest first: what the guest has not written yet is lost. The data on the volume
          stays.
        </Text>
      ),
      confirmLabel: 'Detach',
    }),
    run: async (volume) => {
      const attachment = of(volume)
      if (attachment) await detach.mutateAsync({ id: attachment.instanceId, volumeId: volume.id })
    },
    started: (volumes) => `Detaching ${named(volumes)}`,
    // The instance lets go of the volume, by an operation of its own.
    endsAt: (volume) => of(volume)?.instanceId,
    asCli: (volume) => volumeDetachCli(of(volume)?.instanceId ?? 'SERVER', volume.id),
  }
}
