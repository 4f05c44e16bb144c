'use client'
import { useMutation, useQuery } from '@tanstack/react-query'
import { useTRPC } from '../../kit/trpc.ts'
import { deletedVolumes } from '../list.ts'
import { volumeDescriptor } from '../volume.descriptor.tsx'
import { DeletedThings } from './DeletedThings.tsx'

const words = {
  ...{ kind: 'volume', noun: 'Deleted volume', plural: 'Deleted volumes', icon: volumeDescriptor.icon },
}

/** The volumes that are deleted and can be taken back; nothing when there are none. */
export function DeletedVolumes({ allProjects }: { allProjects: boolean }) {
  const trpc = useTRPC()
  const { data } = useQuery(deletedVolumes(allProjects)(trpc))
  const takeBack = useMutation(trpc.volumes.trash.takeBack.mutationOptions())
  const end = useMutation(trpc.volumes.trash.end.mutationOptions())
  return (
    <DeletedThings
      words={words}
      allProjects={allProjects}
      page={data}
      takeBack={(id) => takeBack.mutateAsync({ id })}
      end={(id) => end.mutateAsync({ id })}
      loss={(size) => `All data on its ${size} is lost at once, and its room and quota are free.`}
    />
  )
}
