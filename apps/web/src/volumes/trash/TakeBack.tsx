'use client'
import { Button, Group, Text } from '@mantine/core'
import { IconArrowBackUp } from '@tabler/icons-react'
import { useMutation, useQuery } from '@tanstack/react-query'
import { Ago } from '../../kit/Ago.tsx'
import { notify } from '../../kit/notify.ts'
import { useMay } from '../../kit/rights.ts'
import { useLook, useSession } from '../../kit/session.ts'
import { useTRPC } from '../../kit/trpc.ts'

/** The thing: that which an operation has deleted, or whose page has found nothing. */
type Props = { id: string; projectId: string | null }

/** Takes back a deleted volume; nothing when that is not possible any more. */
export function TakeBackVolume(props: Props) {
  const trpc = useTRPC()
  const { data } = useQuery(trpc.volumes.trash.list.queryOptions(useOne(props)))
  const takeBack = useMutation(trpc.volumes.trash.takeBack.mutationOptions())
  return <TakeBack thing={data?.items[0]} run={(id) => takeBack.mutateAsync({ id })} />
}

export function TakeBackSnapshot(props: Props) {
  const trpc = useTRPC()
  const { data } = useQuery(trpc.volumes.snapshots.trash.list.queryOptions(useOne(props)))
  const takeBack = useMutation(trpc.volumes.snapshots.trash.takeBack.mutationOptions())
  const thing = data?.items.find(({ isVolumeDeleted }) => !isVolumeDeleted)
  return <TakeBack thing={thing} run={(id) => takeBack.mutateAsync({ id })} />
}

export function TakeBackBackup(props: Props) {
  const trpc = useTRPC()
  const { data } = useQuery(trpc.volumes.backups.trash.list.queryOptions(useOne(props)))
  const takeBack = useMutation(trpc.volumes.backups.trash.takeBack.mutationOptions())
  return <TakeBack thing={data?.items[0]} run={(id) => takeBack.mutateAsync({ id })} />
}

function useOne({ id, projectId }: Props) {
  const { allProjects } = useLook(projectId)
  return { id, limit: 1, allProjects }
}

type Deleted = { id: string; name: string; projectId: string; state: string; until: string }

function TakeBack({ thing, run }: { thing: Deleted | undefined; run: (id: string) => Promise<unknown> }) {
  const may = useMay()
  const here = useSession().project?.id
  if (!thing || thing.state === 'deleting' || may(thing.projectId === here) !== true) return null
  return (
    <Group gap="sm">
      <Button
        size="compact-sm"
        variant="default"
        leftSection={<IconArrowBackUp size={14} />}
        onClick={() =>
          run(thing.id)
            .then(() => notify.done(`“${thing.name || thing.id}” is back`))
            .catch(notify.failed)
        }
      >
        Take back
      </Button>
      <Text size="sm">
        Its data go <Ago iso={thing.until} />.
      </Text>
    </Group>
  )
}
