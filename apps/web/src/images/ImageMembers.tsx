'use client'
import { Group, Stack, Text, TextInput } from '@mantine/core'
import type { ImageMemberView, ImageView } from '@stratolith/api/images/contract'
import { IconFolderMinus, IconFolders, IconShare } from '@tabler/icons-react'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { ProjectPick } from '../directory/pickers.tsx'
import { ProjectName } from '../directory/projects/ProjectName.tsx'
import { Ago } from '../kit/Ago.tsx'
import type { ResourceDescriptor } from '../kit/descriptor.ts'
import { cloudError } from '../kit/errors.ts'
import { Loaded } from '../kit/Loaded.tsx'
import { RowsTable } from '../kit/RowsTable.tsx'
import { all, useMay } from '../kit/rights.ts'
import { StateBadge } from '../kit/StateBadge.tsx'
import { useSession } from '../kit/session.ts'
import { invalidateKind } from '../kit/stale.ts'
import { useTRPC } from '../kit/trpc.ts'
import { ReasonButton } from '../ui/ReasonButton.tsx'
import { Section } from '../ui/Section.tsx'
import { imageRemoveProjectCli } from './cli.ts'
import { visibilityMeaning } from './image.descriptor.tsx'

type Row = ImageMemberView & { id: string }
const answers = {
  pending: { tone: 'off', state: 'Not answered yet' },
  accepted: { tone: 'good', state: 'Accepted' },
  rejected: { tone: 'bad', state: 'Refused' },
} as const

const descriptor: ResourceDescriptor<Row> = {
  kind: 'image',
  noun: 'Project',
  plural: 'Projects it is shared with',
  name: ({ id }) => id,
  icon: <IconFolders size={28} />,
  columns: [
    { id: 'project', header: 'Project', cell: ({ id }) => <ProjectName id={id} unseen={id} /> },
    {
      id: 'answer',
      header: 'Answer',
      cell: ({ status }) => <StateBadge {...answers[status]} />,
    },
    { id: 'since', header: 'Since', hideBelow: 'sm', cell: ({ createdAt }) => <Ago iso={createdAt} /> },
  ],
  empty: {
    title: 'Shared with nobody yet',
    text: 'Name a project above. It can launch the image at once, and has it in its lists when it accepts.',
  },
}

/** The list of projects that may launch a shared image, with their answers. */
export function ImageMembers({ image }: { image: ImageView }) {
  const trpc = useTRPC()
  const may = useMay()
  const shared = image.visibility === 'shared'
  const members = useQuery({
    ...trpc.images.members.list.queryOptions({ imageId: image.id }),
    enabled: shared,
  })
  const remove = useMutation(trpc.images.members.remove.mutationOptions())
  if (!shared)
    return (
      <Section title="Sharing">
        <Text size="sm">
          {visibilityMeaning[image.visibility]} To name single projects, edit the image and make its
          visibility “Shared”.
        </Text>
      </Section>
    )
  return (
    <Section title="Shared with" description="These projects can launch it; only you can change it.">
      <Stack gap="sm">
        <AddMember image={image} />
        <Loaded query={members}>
          {(rows: ImageMemberView[]) => (
            <RowsTable
              descriptor={descriptor}
              rows={rows.map((row) => ({ ...row, id: row.projectId }))}
              actions={[
                {
                  id: 'remove',
                  label: 'Share no longer',
                  icon: <IconFolderMinus size={16} />,
                  danger: true,
                  allowed: () => may(image.own),
                  confirm: () => ({
                    title: 'Share it with this project no longer?',
                    body: 'Its instances go on; it cannot launch new ones from this image.',
                    confirmLabel: 'Share no longer',
                  }),
                  run: ({ projectId }) => remove.mutateAsync({ imageId: image.id, projectId }),
                  started: () => 'Shared no longer',
                  asCli: ({ projectId }) => imageRemoveProjectCli(image.id, projectId),
                },
              ]}
            />
          )}
        </Loaded>
      </Stack>
    </Section>
  )
}

/** Administrators find projects by name; other people must be told the ID by the people with whom they share. */
function AddMember({ image }: { image: ImageView }) {
  const trpc = useTRPC()
  const client = useQueryClient()
  const may = useMay()
  const { isAdmin } = useSession()
  const [projectId, setProjectId] = useState('')
  const add = useMutation(
    trpc.images.members.add.mutationOptions({
      onSuccess() {
        setProjectId('')
        invalidateKind(client, 'image')
      },
    }),
  )
  const error = add.error ? cloudError(add.error).message : null
  const allowed = all(
    may(image.own),
    projectId !== '' || (isAdmin ? 'Choose a project first.' : 'Type the id of a project first.'),
    projectId !== image.projectId || 'The image belongs to this project already.',
  )
  const share = () => allowed === true && add.mutate({ imageId: image.id, projectId })
  const change = (value: string) => {
    add.reset()
    setProjectId(value)
  }
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        share()
      }}
    >
      <Group gap="xs" align="flex-start">
        {isAdmin ? (
          <ProjectPick
            label={null}
            aria-label="Project to share with"
            placeholder="Project"
            value={projectId || null}
            onChange={(value) => change(value ?? '')}
            error={error}
          />
        ) : (
          <TextInput
            aria-label="ID of the project to share with"
            placeholder="ID of the project"
            description="Whoever works in it finds it under API access."
            inputWrapperOrder={['input', 'description', 'error']}
            style={{ flex: '1 1 240px', maxWidth: 420 }}
            value={projectId}
            onChange={(event) => change(event.currentTarget.value.trim())}
            error={error}
          />
        )}
        <ReasonButton
          leftSection={<IconShare size={16} />}
          loading={add.isPending}
          allowed={allowed}
          onClick={share}
        >
          Share
        </ReasonButton>
      </Group>
    </form>
  )
}
