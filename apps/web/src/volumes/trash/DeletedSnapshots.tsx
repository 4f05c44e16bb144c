'use client'
import { volumeIsDeleted } from '@stratolith/api/volumes/snapshots/states'
import { useMutation, useQuery } from '@tanstack/react-query'
import { useTRPC } from '../../kit/trpc.ts'
import { snapshotDescriptor } from '../snapshots/snapshot.descriptor.tsx'
import { DeletedThings } from './DeletedThings.tsx'

const words = {
  ...{ kind: 'volumeSnapshot', noun: 'Deleted snapshot', plural: 'Deleted snapshots' },
  icon: snapshotDescriptor.icon,
}

/** The snapshots that are deleted and can be taken back; nothing when there are none. */
export function DeletedSnapshots({ allProjects }: { allProjects: boolean }) {
  const trpc = useTRPC()
  const { data } = useQuery(
    trpc.volumes.snapshots.trash.list.queryOptions({ allProjects, sort: 'until', limit: 100 }),
  )
  const takeBack = useMutation(trpc.volumes.snapshots.trash.takeBack.mutationOptions())
  const end = useMutation(trpc.volumes.snapshots.trash.end.mutationOptions())
  return (
    <DeletedThings
      words={words}
      columns={snapshotDescriptor.columns.filter(({ id }) => id === 'volume')}
      allProjects={allProjects}
      page={data}
      allowed={({ isVolumeDeleted }) => !isVolumeDeleted || volumeIsDeleted}
      takeBack={(id) => takeBack.mutateAsync({ id })}
      end={(id) => end.mutateAsync({ id })}
      loss={(size) => `The state that it keeps is lost at once, and ${size} of the quota are free.`}
    />
  )
}
