'use client'
import { useMutation, useQuery } from '@tanstack/react-query'
import { useTRPC } from '../../kit/trpc.ts'
import { backupDescriptor } from '../backups/backup.descriptor.tsx'
import { DeletedThings } from './DeletedThings.tsx'

const words = {
  ...{ kind: 'volumeBackup', noun: 'Deleted backup', plural: 'Deleted backups' },
  icon: backupDescriptor.icon,
}

/** The backups that are deleted and can be taken back; nothing when there are none. */
export function DeletedBackups({ allProjects }: { allProjects: boolean }) {
  const trpc = useTRPC()
  const { data } = useQuery(
    trpc.volumes.backups.trash.list.queryOptions({ allProjects, sort: 'until', limit: 100 }),
  )
  const takeBack = useMutation(trpc.volumes.backups.trash.takeBack.mutationOptions())
  const end = useMutation(trpc.volumes.backups.trash.end.mutationOptions())
  return (
    <DeletedThings
      words={words}
      columns={backupDescriptor.columns.filter(({ id }) => id === 'volume')}
      allProjects={allProjects}
      page={data}
      takeBack={(id) => takeBack.mutateAsync({ id })}
      end={(id) => end.mutateAsync({ id })}
      loss={(size) => `What it contains is lost at once, and ${size} of the quota are free.`}
    />
  )
}
