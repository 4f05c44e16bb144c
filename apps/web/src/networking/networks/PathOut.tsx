'use client'
import { Anchor, Group, Stack, Text, ThemeIcon } from '@mantine/core'
import type { NetworkView } from '@stratolith/api/networking/contract'
import {
  IconArrowRight,
  IconPlugConnectedX,
  IconRoute,
  IconTopologyStar3,
  IconWorld,
} from '@tabler/icons-react'
import type { ReactNode } from 'react'
import { lazyPanel } from '../../kit/lazy-panel.tsx'
import { Link } from '../../kit/navigation.tsx'
import { paths } from '../../kit/paths.ts'
import { useMay } from '../../kit/rights.ts'
import { useUrlPanel } from '../../kit/url-state.ts'
import { ReasonButton } from '../../ui/ReasonButton.tsx'
import { Section } from '../../ui/Section.tsx'
import { useOutside } from '../lookups.ts'
import { wayOut } from '../outside.ts'

const ConnectForm = lazyPanel(() => import('./ConnectForm.tsx').then((module) => module.ConnectForm))

/** Shows the path network → router → outside, or where it ends and what to do about that. */
export function PathOut({ network }: { network: NetworkView }) {
  const may = useMay()
  const panel = useUrlPanel('connect')
  const { closed } = useOutside()
  if (network.external)
    return (
      <Section title="The way out">
        <Text size="sm">
          This network leads out of the cloud. Routers take their gateway from it, and floating IPs come from
          it.
        </Text>
      </Section>
    )
  const { router } = network
  const connect = router ? null : (
    <ReasonButton
      size="xs"
      allowed={
        network.subnets.length === 0 ? 'Add a subnet first: a router joins subnets.' : may(network.own)
      }
      onClick={panel.open}
    >
      Connect to a router
    </ReasonButton>
  )
  return (
    <Section title="The way out" action={connect}>
      <Group gap="sm" component="ol" p={0} m={0} style={{ listStyle: 'none' }}>
        <Hop
          icon={<IconTopologyStar3 size={18} />}
          title={network.name}
          text={network.subnets[0]?.cidr ?? 'no subnet'}
        />
        <Arrow />
        {router ? (
          <Hop
            icon={<IconRoute size={18} />}
            title={
              <Anchor component={Link} href={paths.router(router.id)} underline="always">
                {router.name}
              </Anchor>
            }
            text={router.externalAddress ? `as ${router.externalAddress}` : 'no gateway'}
          />
        ) : (
          <Hop broken icon={<IconPlugConnectedX size={18} />} title="No router" text="it ends here" />
        )}
        {router?.externalAddress && !closed && (
          <>
            <Arrow />
            <Hop icon={<IconWorld size={18} />} title="Outside" text="and floating IPs in" />
          </>
        )}
      </Group>
      <Text size="sm" c="dimmed" mt="sm">
        {wayOut(network, closed)}
      </Text>
      {router && !router.externalAddress && (
        <Anchor component={Link} href={`${paths.router(router.id)}?gateway=1`} size="sm">
          Set the gateway of {router.name}
        </Anchor>
      )}
      <ConnectForm network={network} opened={panel.opened} onClose={panel.close} />
    </Section>
  )
}

function Hop({
  icon,
  title,
  text,
  broken = false,
}: {
  icon: ReactNode
  title: ReactNode
  text: string
  broken?: boolean
}) {
  return (
    <Group component="li" gap="xs" wrap="nowrap">
      <ThemeIcon variant="light" color={broken ? 'gray' : undefined} size={34} radius="md" aria-hidden>
        {icon}
      </ThemeIcon>
      <Stack gap={0}>
        <Text size="sm" fw={600} component="div" style={{ overflowWrap: 'anywhere' }}>
          {title}
        </Text>
        <Text size="xs" c="dimmed">
          {text}
        </Text>
      </Stack>
    </Group>
  )
}

const Arrow = () => (
  <li aria-hidden style={{ display: 'flex' }}>
    <IconArrowRight size={18} color="var(--mantine-color-dimmed)" />
  </li>
)
