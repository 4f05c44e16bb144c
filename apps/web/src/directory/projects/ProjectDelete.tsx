'use client'
import { Alert, Anchor, Button, Group, Stack, Text, TextInput } from '@mantine/core'
import type { ProjectDeletionPlan } from '@stratolith/api/directory/projects/contract'
import { IconAlertTriangle, IconCircleCheck } from '@tabler/icons-react'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { AsCode } from '../../kit/AsCode.tsx'
import { cloudError } from '../../kit/errors.ts'
import { Loaded } from '../../kit/Loaded.tsx'
import { Link } from '../../kit/navigation.tsx'
import { paths } from '../../kit/paths.ts'
import { SidePanel } from '../../kit/SidePanel.tsx'
import { shellLine } from '../../kit/shell.ts'
import { invalidateKind } from '../../kit/stale.ts'
import { useTRPC } from '../../kit/trpc.ts'
import { Timeline } from '../../operations/Timeline.tsx'
import { ReasonButton } from '../../ui/ReasonButton.tsx'
import { ThingsTable } from './ProjectContents.tsx'

/** Asks before a project is deleted, and lists the things that are deleted with it; then shows the progress. */
export function ProjectDelete({ id, opened, onClose }: { id: string; opened: boolean; onClose: () => void }) {
  const [operationId, setOperationId] = useState<string | null>(null)
  return (
    <SidePanel opened={opened} onClose={onClose} title="Delete the project" size="md">
      {operationId === null ? (
        <Question id={id} onStarted={setOperationId} onClose={onClose} />
      ) : (
        <Progress operationId={operationId} onAgain={() => setOperationId(null)} />
      )}
    </SidePanel>
  )
}

type QuestionProps = { id: string; onStarted: (operationId: string) => void; onClose: () => void }

function Question({ id, onStarted, onClose }: QuestionProps) {
  const trpc = useTRPC()
  const plan = useQuery({ ...trpc.directory.projects.deletionPlan.queryOptions({ id }), staleTime: 0 })
  return (
    <Loaded query={plan}>{(view) => <Asked plan={view} onStarted={onStarted} onClose={onClose} />}</Loaded>
  )
}

function Asked({ plan, onStarted, onClose }: { plan: ProjectDeletionPlan } & Omit<QuestionProps, 'id'>) {
  const trpc = useTRPC()
  const client = useQueryClient()
  const [typed, setTyped] = useState('')
  const { id, name, deleting } = plan.project
  const remove = useMutation(
    trpc.directory.projects.delete.mutationOptions({
      onSuccess: ({ operationId }) => {
        invalidateKind(client, 'project')
        onStarted(operationId)
      },
    }),
  )
  if (plan.children.length > 0)
    return (
      <Alert color="warn" variant="light" icon={<IconAlertTriangle />} title="Projects are below it">
        <Text size="sm">Delete these first:</Text>
        <Group gap="sm" mt="xs">
          {plan.children.map((child) => (
            <Anchor key={child.id} component={Link} href={paths.project(child.id)} size="sm">
              {child.name}
            </Anchor>
          ))}
        </Group>
      </Alert>
    )
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        if (typed === name) remove.mutate({ id })
      }}
    >
      <Stack gap="md">
        <Text size="sm">
          {deleting
            ? `${name} is being deleted. What is left of it:`
            : `This goes with ${name}, in this order, and cannot be brought back:`}
        </Text>
        <ThingsTable plan={plan} />
        <Text size="sm" c="dimmed">
          Everybody who works in the project is signed out of it at once. The deletion goes on by itself, so
          you need not wait here.
        </Text>
        <TextInput
          label={`Type “${name}” to say that you mean it`}
          autoComplete="off"
          spellCheck={false}
          value={typed}
          onChange={(event) => setTyped(event.currentTarget.value)}
        />
        {remove.error && (
          <Alert
            color="bad"
            variant="light"
            role="alert"
            icon={<IconAlertTriangle />}
            title={cloudError(remove.error).message}
          />
        )}
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <ReasonButton
            color="bad"
            loading={remove.isPending}
            allowed={typed === name || 'Type the name of the project first.'}
            onClick={() => remove.mutate({ id })}
          >
            Delete with everything in it
          </ReasonButton>
        </Group>
        <AsCode cli={shellLine('openstack', 'project', 'delete', id)} />
      </Stack>
    </form>
  )
}

function Progress({ operationId, onAgain }: { operationId: string; onAgain: () => void }) {
  const trpc = useTRPC()
  const query = useQuery({
    ...trpc.operations.get.queryOptions({ id: operationId }),
    // Administrators of a domain get no events of another project, so the page asks again and again.
    refetchInterval: ({ state }) => (state.data?.finishedAt ? false : 2000),
  })
  return (
    <Loaded query={query}>
      {(operation) => (
        <Stack gap="md">
          <Timeline operation={operation} />
          {operation.state === 'succeeded' && (
            <Alert color="good" variant="light" icon={<IconCircleCheck />} title="The project is gone">
              <Anchor component={Link} href={paths.projects} size="sm">
                To the projects
              </Anchor>
            </Alert>
          )}
          {operation.state === 'failed' && (
            <Group>
              <Button variant="default" onClick={onAgain}>
                Go on where it stopped
              </Button>
            </Group>
          )}
        </Stack>
      )}
    </Loaded>
  )
}
