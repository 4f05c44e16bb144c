'use client'
import { Anchor, Code, Group, Text } from '@mantine/core'
import type { RouterView } from '@stratolith/api/networking/contract'
import { useGuarded, useRunAction } from '../../kit/actions.tsx'
import type { ResourceAction } from '../../kit/descriptor.ts'
import { lazyPanel } from '../../kit/lazy-panel.tsx'
import { Link } from '../../kit/navigation.tsx'
import { paths } from '../../kit/paths.ts'
import { useUrlPanel } from '../../kit/url-state.ts'
import { ReasonButton } from '../../ui/ReasonButton.tsx'
import { Section } from '../../ui/Section.tsx'
import { routerDescriptor } from './router.descriptor.tsx'
import { useGatewayActions } from './router-actions.tsx'

const GatewayForm = lazyPanel(() => import('./RouterForms.tsx').then((module) => module.GatewayForm))

/** Shows where the router leads out, with the buttons that are useful now: set a gateway, or change or clear it. */
export function RouterGateway({ router }: { router: RouterView }) {
  const panel = useUrlPanel('gateway')
  const { set, change, clear } = useGatewayActions({ gateway: panel.open })
  const runAction = useRunAction(routerDescriptor)
  const guarded = useGuarded<RouterView>(routerDescriptor.kind)
  const fitting: ResourceAction<RouterView>[] = router.external ? [...(change ? [change] : []), clear] : [set]
  return (
    <Section
      title="Gateway"
      description="Its way out of the cloud."
      action={
        <Group gap="xs">
          {fitting.map(guarded).map((action) => (
            <ReasonButton
              key={action.id}
              size="xs"
              variant={action === fitting[0] && !router.external ? 'filled' : 'default'}
              leftSection={action.icon}
              allowed={action.allowed(router)}
              onClick={() => void runAction(action, [router])}
            >
              {action.label}
            </ReasonButton>
          ))}
        </Group>
      }
    >
      {router.external ? (
        <Group gap="xs">
          <Text size="sm">
            It leads out to network{' '}
            <Anchor component={Link} href={paths.network(router.external.networkId)}>
              {router.external.networkName}
            </Anchor>{' '}
            as
          </Text>
          <Code>{router.external.address}</Code>
        </Group>
      ) : (
        <Text size="sm" c="dimmed">
          None: it joins networks, but nothing leads out of the cloud, and floating IPs do not work behind it.
        </Text>
      )}
      {panel.opened && <GatewayForm router={router} opened onClose={panel.close} />}
    </Section>
  )
}
