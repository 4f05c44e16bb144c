'use client'
import { Stack } from '@mantine/core'
import type { RouterView } from '@stratolith/api/networking/contract'
import { useQuery } from '@tanstack/react-query'
import { DetailPage } from '../../kit/DetailPage.tsx'
import { Loaded } from '../../kit/Loaded.tsx'
import { lazyPanel } from '../../kit/lazy-panel.tsx'
import { paths } from '../../kit/paths.ts'
import { useTRPC } from '../../kit/trpc.ts'
import { useUrlPanel } from '../../kit/url-state.ts'
import { OperationsOf } from '../../operations/OperationsOf.tsx'
import { Facts } from '../../ui/Fact.tsx'
import { Section } from '../../ui/Section.tsx'
import { useListOf, useOwnerFact } from '../everyones.tsx'
import { NetState } from '../NetState.tsx'
import { RouterGateway } from './RouterGateway.tsx'
import { RouterInterfaces } from './RouterInterfaces.tsx'
import { routerDescriptor } from './router.descriptor.tsx'
import { useRouterActions } from './router-actions.tsx'

const RouterEditForm = lazyPanel(() => import('./RouterEditForm.tsx').then((module) => module.RouterEditForm))

export function RouterPage({ id }: { id: string }) {
  const trpc = useTRPC()
  const router = useQuery(trpc.networking.routers.get.queryOptions({ id }))
  return <Loaded query={router}>{(view) => <RouterDetail router={view} />}</Loaded>
}

function RouterDetail({ router }: { router: RouterView }) {
  const panel = useUrlPanel('edit')
  const actions = useRouterActions({ edit: panel.open })
  const back = useListOf(router.projectId, { plural: 'All routers', listPath: paths.adminRouters })
  const owner = useOwnerFact(router.projectId)
  return (
    <>
      <DetailPage
        descriptor={{ ...routerDescriptor, ...back }}
        view={router}
        actions={actions}
        badge={<NetState state={router.state} />}
        tabs={[
          {
            id: 'overview',
            label: 'Overview',
            content: (
              <Stack gap="md">
                <RouterGateway router={router} />
                <RouterInterfaces router={router} />
                <Section title="Facts">
                  <Facts items={[...(routerDescriptor.facts?.(router) ?? []), ...owner]} />
                </Section>
              </Stack>
            ),
          },
          {
            id: 'operations',
            label: 'Operations',
            content: <OperationsOf resourceId={router.id} projectId={router.projectId} />,
          },
        ]}
      />
      {panel.opened && <RouterEditForm router={router} opened onClose={panel.close} />}
    </>
  )
}
