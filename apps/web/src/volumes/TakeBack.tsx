'use client'
import { Button, Group, Text } from '@mantine/core'
import type { OperationView } from '@stratolith/api/kernel/contract'
import { IconArrowBackUp } from '@tabler/icons-react'
import { useMutation, useQuery } from '@tanstack/react-query'
import { Ago } from '../kit/Ago.tsx'
import { notify } from '../kit/notify.ts'
import { useMay } from '../kit/rights.ts'
import { useLook, useSession } from '../kit/session.ts'
import { useTRPC } from '../kit/trpc.ts'

/** Takes back the volume that this operation has deleted; nothing when that is not possible any more. */
export function TakeBack({ operation }: { operation: OperationView }) {
  const trpc = useTRPC()
  const may = useMay()
  const here = useSession().project?.id
  const { allProjects } = useLook(operation.projectId)
  const { data } = useQuery(
    trpc.volumes.trash.list.queryOptions({ id: operation.resourceId, limit: 1, allProjects }),
  )
  const takeBack = useMutation(trpc.volumes.trash.takeBack.mutationOptions())
  const volume = data?.items[0]
  if (!volume || volume.state === 'deleting' || may(volume.projectId === here) !== true) return null
  return (
    <Group gap="sm">
      <Button
        size="compact-sm"
        variant="default"
        leftSection={<IconArrowBackUp size={14} />}
        loading={takeBack.isPending}
        onClick={() =>
          takeBack
            .mutateAsync({ id: volume.id })
            .then(() => notify.done(`“${volume.name || volume.id}” is back`))
            .catch(notify.failed)
        }
      >
        Take back
      </Button>
      <Text size="sm">
        Its data go <Ago iso={volume.until} />.
      </Text>
    </Group>
  )
}
