'use client'
import { Anchor, Group, Stack, Text } from '@mantine/core'
import type { OperationView } from '@stratolith/api/kernel/contract'
import { Ago } from '../kit/Ago.tsx'
import { Link } from '../kit/navigation.tsx'
import { OperationState, OperationTime } from '../operations/OperationState.tsx'
import { ResourceLink } from '../operations/operation.descriptor.tsx'
import { operationTitle } from '../operations/words.ts'
import classes from './OperationList.module.css'

/** Operations in a few lines each; `listPath` is the page whose panel shows one operation. */
export function OperationList({ items, listPath }: { items: OperationView[]; listPath: string }) {
  return (
    <ul className={classes.list}>
      {items.map((operation) => (
        <li key={operation.id} className={classes.item}>
          <Stack gap={0} style={{ minWidth: 0 }}>
            <Anchor
              component={Link}
              href={`${listPath}?operation=${operation.id}`}
              size="sm"
              fw={600}
              c="var(--mantine-color-text)"
            >
              {operationTitle(operation)}
            </Anchor>
            <Group gap={6} fz="sm" c="dimmed">
              <ResourceLink operation={operation} />
              <Text size="xs" component="span">
                <OperationTime operation={operation} /> · {operation.actorName ?? 'the cloud'} ·{' '}
                <Ago iso={operation.createdAt} />
              </Text>
            </Group>
            {operation.state === 'failed' && operation.errorMessage && (
              <Text size="xs" lineClamp={2}>
                {operation.errorMessage}
              </Text>
            )}
          </Stack>
          <OperationState operation={operation} />
        </li>
      ))}
    </ul>
  )
}
