'use client'
import { Anchor, Text } from '@mantine/core'
import type { OperationView } from '@stratolith/api/kernel/contract'
import { IconActivity } from '@tabler/icons-react'
import { Ago } from '../kit/Ago.tsx'
import type { ResourceDescriptor } from '../kit/descriptor.ts'
import { Link } from '../kit/navigation.tsx'
import { useUrlState } from '../kit/url-state.ts'
import { OperationState, OperationTime } from './OperationState.tsx'
import { durationMs, kindWords, operationTitle, resourcePath } from './words.ts'

export const operationDescriptor: ResourceDescriptor<OperationView> = {
  kind: 'operation',
  noun: 'Operation',
  plural: 'Operations',
  name: operationTitle,
  icon: <IconActivity size={28} />,
  columns: [
    {
      id: 'action',
      header: 'Operation',
      cell: (op) => <OpenOperation operation={op} />,
      sort: true,
      value: (op) => op.action,
    },
    {
      id: 'resource',
      header: 'On',
      cell: (op) => <ResourceLink operation={op} />,
      sort: true,
      value: (op) => op.resourceName,
    },
    {
      id: 'state',
      header: 'State',
      cell: (op) => <OperationState operation={op} />,
      sort: true,
      value: (op) => op.state,
    },
    {
      id: 'time',
      header: 'Took',
      cell: (op) => <OperationTime operation={op} />,
      value: (op) => durationMs(op, null),
      width: 110,
    },
    {
      id: 'actor',
      header: 'By',
      cell: (op) => op.actorName ?? 'the cloud',
      value: (op) => op.actorName,
      hideBelow: 'sm',
    },
    {
      id: 'createdAt',
      header: 'Begun',
      cell: (op) => <Ago iso={op.createdAt} />,
      sort: true,
      value: (op) => op.createdAt,
    },
  ],
  empty: {
    title: 'Nothing has happened yet',
    text: 'Every action of this project is listed here with its steps, its seconds and its errors.',
  },
}

/** The link that opens the panel with the steps (?operation=ID). */
function OpenOperation({ operation }: { operation: OperationView }) {
  const { set } = useUrlState()
  return (
    <Anchor
      component="button"
      type="button"
      size="sm"
      fw={600}
      ta="start"
      onClick={() => set({ operation: operation.id }, true)}
    >
      {operationTitle(operation)}
    </Anchor>
  )
}

/** Says that the resource is deleted, where its name is no link. */
export const Deleted = ({ of }: { of: Pick<OperationView, 'resourceDeleted'> }) =>
  of.resourceDeleted && (
    <Text size="xs" c="dimmed" component="span">
      {' (deleted)'}
    </Text>
  )

export function ResourceLink({ operation }: { operation: OperationView }) {
  const href = resourcePath(operation)
  const name = operation.resourceName || kindWords[operation.resourceKind] || operation.resourceKind
  if (href === null)
    return (
      <Text size="sm" component="span">
        {name}
        <Deleted of={operation} />
        <VolumeOf operation={operation} />
      </Text>
    )
  return (
    <span>
      {/* Beside words, a link must not be known by its colour alone. */}
      <Anchor component={Link} href={href} size="sm" underline={operation.volumeName ? 'always' : undefined}>
        {name}
      </Anchor>
      <VolumeOf operation={operation} />
    </span>
  )
}

/** Names the volume that an operation on another thing is about. */
const VolumeOf = ({ operation: { volumeName } }: { operation: OperationView }) =>
  volumeName !== null && (
    <Text size="sm" c="dimmed" component="span">
      {` · volume ${volumeName}`}
    </Text>
  )
