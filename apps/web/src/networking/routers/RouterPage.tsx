'use client'
import { Code, Group, Text } from '@mantine/core'
import type { RouterView } from '@stratolith/api/networking/contract'
import { useQuery } from '@tanstack/react-query'
import { DetailPage } from '../../kit/DetailPage.tsx'
import { Loaded } from '../../kit/Loaded.tsx'
import { lazyPanel } from '../../kit/lazy-panel.tsx'
import { useTRPC } from '../../kit/trpc.ts'
import { useUrlPanel } from '../../kit/url-state.ts'
import { OperationsOf } from '../../operations/OperationsOf.tsx'
import { Columns } from '../../ui/Columns.tsx'
import { Facts } from '../../ui/Fact.tsx'
import { Section } from '../../ui/Section.tsx'
import { NetState } from '../NetState.tsx'
import { RouterInterfaces } from './RouterInterfaces.tsx'
import { routerDescriptor } from './router.descriptor.tsx'
import { useRouterActions } from './router-actions.tsx'

const GatewayForm = lazyPanel(() => import('./RouterForms.tsx').then((module) => module.GatewayForm))

export function RouterPage({ id }: { id: string }) {
  const trpc = useTRPC()
  const router = useQuery(trpc.networking.routers.get.queryOptions({ id }))
  return <Loaded query={router}>{(view) => <RouterDetail router={view} />}</Loaded>
}

function RouterDetail({ router }: { router: RouterView }) {
  const panel = useUrlPanel('gateway')
  const actions = useRouterActions({ gateway: panel.open })
  return (
    <>
      <DetailPage
        descriptor={routerDescriptor}
        view={router}
        actions={actions}
        badge={<NetState state={router.state} />}
        tabs={[
          {
            id: 'overview',
            label: 'Overview',
            content: (
              <Columns
                side={
                  <Section title="Facts">
                    <Facts items={routerDescriptor.facts?.(router) ?? []} />
                  </Section>
                }
              >
                <Section title="Gateway">
                  {router.external ? (
                    <Group gap="xs">
                      <Text size="sm">It leads out to network {router.external.networkName} as</Text>
                      <Code>{router.external.address}</Code>
                    </Group>
                  ) : (
                    <Text size="sm" c="dimmed">
                      None: it joins networks, but nothing leads out of the cloud, and floating IPs do not
                      work behind it.
                    </Text>
                  )}
                </Section>
                <RouterInterfaces router={router} />
              </Columns>
            ),
          },
          {
            id: 'operations',
            label: 'Operations',
            content: <OperationsOf resourceId={router.id} projectId={router.projectId} />,
          },
        ]}
      />
      <GatewayForm router={router} opened={panel.opened} onClose={panel.close} />
    </>
  )
}
