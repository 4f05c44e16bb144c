'use client'
import { Text } from '@mantine/core'
import type { BackupView } from '@stratolith/api/volumes/backups/contract'
import { backupCan } from '@stratolith/api/volumes/backups/states'
import {
  IconDatabasePlus,
  IconPencil,
  IconPlayerStop,
  IconRestore,
  IconRocket,
  IconTrash,
} from '@tabler/icons-react'
import { useMutation, useQuery } from '@tanstack/react-query'
import type { ResourceAction } from '../../kit/descriptor.ts'
import { useRouter } from '../../kit/navigation.tsx'
import { paths } from '../../kit/paths.ts'
import { all, useMay } from '../../kit/rights.ts'
import { useSession } from '../../kit/session.ts'
import { useTRPC } from '../../kit/trpc.ts'
import { takeBackOffer } from '../trash/undo.ts'
import { inItsProject, waitText } from '../words.ts'
import { backupDeleteCli } from './cli.ts'
import { backupLoss, backupName } from './words.ts'

export type BackupForm = 'edit' | 'volume' | 'restore'

const named = (backups: readonly BackupView[]): string =>
  backups.length === 1 && backups[0] ? `“${backupName(backups[0])}”` : `${backups.length} volume backups`

/** The actions on a backup; `open` opens the panels of those that ask for more. */
export function useBackupActions(
  open: (form: BackupForm, backup: BackupView) => void,
): ResourceAction<BackupView>[] {
  const trpc = useTRPC()
  const router = useRouter()
  const may = useMay()
  const here = useSession().project?.id
  const mine = (backup: BackupView) => may(backup.projectId === here)
  const own = (backup: BackupView) =>
    all(mine(backup), inItsProject(backup.projectId === here, 'new volume'), backupCan.restore(backup))
  const remove = useMutation(trpc.volumes.backups.delete.mutationOptions())
  const cancel = useMutation(trpc.volumes.backups.cancel.mutationOptions())
  const takeBack = useMutation(trpc.volumes.backups.trash.takeBack.mutationOptions())
  return [
    {
      id: 'restore',
      label: 'Restore',
      icon: <IconRestore size={16} />,
      next: ({ state }) => state === 'available',
      allowed: (backup) => all(mine(backup), backupCan.restore(backup)),
      open: (backup) => open('restore', backup),
    },
    {
      id: 'volume',
      label: 'Create volume',
      icon: <IconDatabasePlus size={16} />,
      allowed: own,
      open: (backup) => open('volume', backup),
    },
    {
      id: 'launch',
      label: 'Launch instance',
      icon: <IconRocket size={16} />,
      shown: ({ bootable }) => bootable,
      allowed: own,
      open: ({ id }) => router.push(`${paths.launch}?backup=${id}`),
    },
    {
      id: 'cancel',
      label: 'Stop',
      icon: <IconPlayerStop size={16} />,
      danger: true,
      shown: ({ state }) => state === 'creating',
      allowed: (backup) => all(mine(backup), backupCan.cancel(backup)),
      confirm: (backups) => ({
        title: `Stop ${named(backups)}?`,
        body: <Text size="sm">What is stored of it is removed. The volume stays as it is.</Text>,
        confirmLabel: 'Stop',
      }),
      run: ({ id }) => cancel.mutateAsync({ id }),
      started: (backups) => `Stopping ${named(backups)}`,
    },
    {
      id: 'edit',
      label: 'Edit',
      icon: <IconPencil size={16} />,
      allowed: mine,
      open: (backup) => open('edit', backup),
    },
    {
      id: 'delete',
      label: 'Delete',
      icon: <IconTrash size={16} />,
      danger: true,
      bulk: true,
      allowed: (backup) => all(mine(backup), backupCan.delete(backup)),
      confirm: (backups) => ({
        title: `Delete ${named(backups)}?`,
        body: <Loss backups={backups} />,
        confirmLabel: backups.length === 1 ? 'Delete' : `Delete ${backups.length}`,
      }),
      run: ({ id }) => remove.mutateAsync({ id }),
      started: (backups) => `Deleting ${named(backups)}`,
      undo: (backups, answers) =>
        takeBackOffer(
          backups.map(({ id }) => id),
          named(backups),
          answers,
          (id) => takeBack.mutateAsync({ id }),
        ),
      asCli: ({ id }) => backupDeleteCli(id),
    },
  ]
}

/** Says how long the backups can be taken back, which is a setting of the cloud. */
function Loss({ backups }: { backups: readonly BackupView[] }) {
  const projectId = backups[0]?.projectId
  const { data } = useQuery(useTRPC().volumes.trash.summary.queryOptions({ projectId }))
  // Backups that have failed go at once.
  const waits = data !== undefined && data.minutes > 0 && backups.every(({ state }) => state === 'available')
  return <Text size="sm">{backupLoss(backups, waits ? waitText(data.minutes) : null)}</Text>
}
