'use client'
import { Alert, Anchor, Group, Stack, Text } from '@mantine/core'
import type { ImageView } from '@stratolith/api/images/contract'
import type { MemberStatus } from '@stratolith/api/images/states'
import { IconCheck, IconShare, IconX } from '@tabler/icons-react'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Link } from '../kit/navigation.tsx'
import { notify } from '../kit/notify.ts'
import { paths } from '../kit/paths.ts'
import { useMay } from '../kit/rights.ts'
import { useSession } from '../kit/session.ts'
import { invalidateKind } from '../kit/stale.ts'
import { useTRPC } from '../kit/trpc.ts'
import { ReasonButton } from '../ui/ReasonButton.tsx'
import { offeredRead } from './list.ts'

type Offered = Pick<ImageView, 'id' | 'name'>
const nameOf = (image: Offered) => image.name || image.id

/** Says on the page of an image that another project shares with this one what that means, and asks for an answer. */
export function ImageOffer({ image }: { image: ImageView }) {
  const trpc = useTRPC()
  const { project } = useSession()
  const members = useQuery({
    ...trpc.images.members.list.queryOptions({ imageId: image.id }),
    enabled: image.visibility === 'shared' && project !== null,
  })
  const mine = members.data?.find(({ projectId }) => projectId === project?.id)
  if (!mine) return null
  if (mine.status === 'accepted')
    return (
      <Group gap="sm">
        <Text size="sm" c="dimmed">
          Another project shares it with yours, and yours has accepted it.
        </Text>
        <Answers image={image} offer={['rejected']} />
      </Group>
    )
  return (
    <Alert
      variant="light"
      icon={<IconShare />}
      title={
        mine.status === 'pending'
          ? 'Another project shares this image with yours'
          : 'Your project has refused this image'
      }
    >
      <Stack gap="xs" align="flex-start">
        <Text size="sm" style={{ overflowWrap: 'anywhere' }}>
          It is of the project {image.projectId}. Accept it if you know that project and trust what it made:
          then it is in your lists. Until then it can be launched from this page alone.
        </Text>
        <Answers image={image} offer={mine.status === 'pending' ? ['accepted', 'rejected'] : ['accepted']} />
      </Stack>
    </Alert>
  )
}

/** Shows above the list of images the offers that wait for an answer; nothing when there are none. */
export function OfferedImages() {
  const trpc = useTRPC()
  const { project } = useSession()
  const offered = useQuery({
    ...offeredRead(trpc),
    enabled: project !== null,
  })
  const count = offered.data?.total ?? 0
  if (count === 0) return null
  return (
    <Alert
      variant="light"
      icon={<IconShare />}
      mb="md"
      title={
        count === 1
          ? 'Another project shares an image with yours'
          : `Other projects share ${count} images with yours`
      }
    >
      <Stack gap="xs">
        {offered.data?.items.map((image) => (
          <Group key={image.id} gap="sm">
            <Anchor
              component={Link}
              href={paths.image(image.id)}
              size="sm"
              c="var(--mantine-color-text)"
              underline="always"
            >
              {nameOf(image)}
            </Anchor>
            <Answers image={image} offer={['accepted', 'rejected']} />
          </Group>
        ))}
      </Stack>
    </Alert>
  )
}

const words = {
  accepted: { label: 'Accept', done: 'is in your lists now', icon: IconCheck },
  rejected: { label: 'Refuse', done: 'is not in your lists', icon: IconX },
} as const

function Answers({ image, offer }: { image: Offered; offer: Exclude<MemberStatus, 'pending'>[] }) {
  const trpc = useTRPC()
  const client = useQueryClient()
  const may = useMay()
  const { project } = useSession()
  const answer = useMutation(
    trpc.images.members.answer.mutationOptions({
      onSuccess(_, { status }) {
        if (status !== 'pending') notify.done(`${nameOf(image)} ${words[status].done}`)
        invalidateKind(client, 'image')
      },
      onError: notify.failed,
    }),
  )
  if (project === null) return null
  return (
    <Group gap="xs">
      {offer.map((status) => {
        const { label, icon: Icon } = words[status]
        return (
          <ReasonButton
            key={status}
            size="xs"
            variant={status === 'accepted' ? 'filled' : 'default'}
            leftSection={<Icon size={14} />}
            loading={answer.isPending && answer.variables.status === status}
            allowed={may()}
            onClick={() => answer.mutate({ imageId: image.id, projectId: project.id, status })}
          >
            {label}
          </ReasonButton>
        )
      })}
    </Group>
  )
}
