'use client'
import { Group, Stack, Title } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Ago } from '../kit/Ago.tsx'
import { Loaded } from '../kit/Loaded.tsx'
import { SidePanel } from '../kit/SidePanel.tsx'
import { useTRPC } from '../kit/trpc.ts'
import { useUrlState } from '../kit/url-state.ts'
import { Facts } from '../ui/Fact.tsx'
import { Explanation } from './Explanation.tsx'
import { OperationState } from './OperationState.tsx'
import { ResourceLink } from './operation.descriptor.tsx'
import { Timeline } from './Timeline.tsx'
import { TakeBackOf } from './take-back.tsx'
import { operationTitle } from './words.ts'

/** One operation beside the page that asked for it: ?operation=ID. */
export function OperationPanel() {
  const trpc = useTRPC()
  const { get, set } = useUrlState()
  const id = get('operation')
  const query = useQuery({ ...trpc.operations.get.queryOptions({ id: id ?? '' }), enabled: id !== null })
  return (
    <SidePanel
      opened={id !== null}
      onClose={() => set({ operation: null })}
      size="lg"
      title={query.data ? operationTitle(query.data) : 'Operation'}
    >
      {id !== null && (
        <Loaded query={query}>
          {(operation) => (
            <Stack gap="lg">
              <Group>
                <OperationState operation={operation} />
              </Group>
              <TakeBackOf operation={operation} />
              <Facts
                items={[
                  { label: 'On', value: <ResourceLink operation={operation} /> },
                  { label: 'By', value: operation.actorName ?? 'the cloud' },
                  { label: 'Begun', value: <Ago iso={operation.createdAt} /> },
                  ...(operation.requestId
                    ? [{ label: 'Request', value: operation.requestId, copy: operation.requestId }]
                    : []),
                  ...(operation.globalRequestId
                    ? [
                        {
                          label: 'Caller’s request',
                          value: operation.globalRequestId,
                          copy: operation.globalRequestId,
                        },
                      ]
                    : []),
                ]}
              />
              <Timeline operation={operation} />
              {operation.explanation && (
                <div>
                  <Title order={3} size="h5" mb="xs">
                    Where it could run
                  </Title>
                  <Explanation placement={operation.explanation} />
                </div>
              )}
            </Stack>
          )}
        </Loaded>
      )}
    </SidePanel>
  )
}
