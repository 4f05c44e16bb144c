'use client'
import { Text } from '@mantine/core'
import type { SnapshotView } from '@stratolith/api/volumes/snapshots/contract'
import { snapshotCan } from '@stratolith/api/volumes/snapshots/states'
import { volumeCan } from '@stratolith/api/volumes/states'
import {
  IconArchive,
  IconDatabasePlus,
  IconPencil,
  IconRestore,
  IconRocket,
  IconTrash,
} from '@tabler/icons-react'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import type { ResourceAction } from '../../kit/descriptor.ts'
import { dateTime } from '../../kit/format.ts'
import { useRouter } from '../../kit/navigation.tsx'
import { paths } from '../../kit/paths.ts'
import { all, useMay } from '../../kit/rights.ts'
import { useSession } from '../../kit/session.ts'
import { invalidateKind } from '../../kit/stale.ts'
import { useTRPC } from '../../kit/trpc.ts'
import { takeBackOffer } from '../trash/undo.ts'
import { inItsProject } from '../words.ts'
import { snapshotDeleteCli } from './cli.ts'
import { SnapshotLoss } from './SnapshotLoss.tsx'
import { reversionLoss, snapshotName } from './words.ts'

export type SnapshotForm = 'edit' | 'volume' | 'backup'

const named = (snapshots: readonly SnapshotView[]): string =>
  snapshots.length === 1 && snapshots[0]
    ? `“${snapshotName(snapshots[0])}”`
    : `${snapshots.length} volume snapshots`

/** The actions on a snapshot; `open` opens the panels of those that ask for more. */
export function useSnapshotActions(
  open: (form: SnapshotForm, snapshot: SnapshotView) => void,
): ResourceAction<SnapshotView>[] {
  const trpc = useTRPC()
  const client = useQueryClient()
  const router = useRouter()
  const may = useMay()
  const here = useSession().project?.id
  const mine = (snapshot: SnapshotView) => may(snapshot.projectId === here)
  const remove = useMutation(trpc.volumes.snapshots.delete.mutationOptions())
  const takeBack = useMutation(trpc.volumes.snapshots.trash.takeBack.mutationOptions())
  const revert = useMutation(trpc.volumes.revert.mutationOptions())
  return [
    {
      id: 'volume',
      label: 'Create volume',
      icon: <IconDatabasePlus size={16} />,
      next: ({ state }) => state === 'available',
      allowed: (snapshot) =>
        all(
          mine(snapshot),
          inItsProject(snapshot.projectId === here, 'new volume'),
          snapshotCan.use(snapshot),
        ),
      open: (snapshot) => open('volume', snapshot),
    },
    {
      id: 'launch',
      label: 'Launch instance',
      icon: <IconRocket size={16} />,
      shown: ({ bootable }) => bootable,
      allowed: (snapshot) =>
        all(
          mine(snapshot),
          inItsProject(snapshot.projectId === here, 'new instance'),
          snapshotCan.launch(snapshot),
        ),
      open: ({ id }) => router.push(`${paths.launch}?snapshot=${id}`),
    },
    {
      id: 'backup',
      label: 'Back up',
      icon: <IconArchive size={16} />,
      allowed: (snapshot) =>
        all(mine(snapshot), snapshotCan.use(snapshot), volumeCan.backUp(snapshot.volume)),
      open: (snapshot) => open('backup', snapshot),
    },
    {
      id: 'revert',
      label: 'Go back to it',
      icon: <IconRestore size={16} />,
      danger: true,
      allowed: (snapshot) =>
        all(mine(snapshot), volumeCan.revert(snapshot.volume), snapshotCan.use(snapshot)),
      confirm: ([snapshot]) => ({
        title: `Go back to “${snapshot ? snapshotName(snapshot) : ''}”?`,
        body: (
          <Text size="sm">
            {snapshot &&
              reversionLoss(snapshot.volume.name || snapshot.volume.id, dateTime(snapshot.createdAt))}
          </Text>
        ),
        confirmLabel: 'Go back',
      }),
      run: async ({ id, volume }) => {
        await revert.mutateAsync({ id: volume.id, snapshotId: id })
        invalidateKind(client, 'volume')
      },
      started: ([snapshot]) =>
        `“${snapshot?.volume.name || snapshot?.volume.id}” goes back to ${named(snapshot ? [snapshot] : [])}`,
    },
    {
      id: 'edit',
      label: 'Edit',
      icon: <IconPencil size={16} />,
      allowed: mine,
      open: (snapshot) => open('edit', snapshot),
    },
    {
      id: 'delete',
      label: 'Delete',
      icon: <IconTrash size={16} />,
      danger: true,
      bulk: true,
      allowed: (snapshot) => all(mine(snapshot), snapshotCan.delete(snapshot)),
      confirm: (snapshots) => ({
        title: `Delete ${named(snapshots)}?`,
        body: <SnapshotLoss snapshots={snapshots} />,
        confirmLabel: snapshots.length === 1 ? 'Delete' : `Delete ${snapshots.length}`,
      }),
      run: ({ id }) => remove.mutateAsync({ id }),
      started: (snapshots) => `Deleting ${named(snapshots)}`,
      undo: (snapshots, answers) =>
        takeBackOffer(
          snapshots.map(({ id }) => id),
          named(snapshots),
          answers,
          (id) => takeBack.mutateAsync({ id }),
        ),
      asCli: ({ id }) => snapshotDeleteCli(id),
    },
  ]
}
