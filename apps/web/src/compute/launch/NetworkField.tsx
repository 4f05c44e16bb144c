'use client'
import { Alert, Anchor, Button, Checkbox, Group, Stack, Switch, Text } from '@mantine/core'
import type { NetworkView } from '@stratolith/api/networking/contract'
import { IconNetwork } from '@tabler/icons-react'
import { useMutation } from '@tanstack/react-query'
import { cloudError } from '../../kit/errors.ts'
import { Link } from '../../kit/navigation.tsx'
import { paths } from '../../kit/paths.ts'
import { useTRPC } from '../../kit/trpc.ts'
import { useOutside } from '../../networking/lookups.ts'
import { publicIpOffer, starterOffer } from '../../networking/outside.ts'
import { FormSection } from './FormSection.tsx'

export type NetworkFieldProps = {
  networks: NetworkView[]
  hasExternal: boolean
  value: string[]
  onChange: (ids: string[]) => void
  publicIp: boolean
  onPublicIp: (on: boolean) => void
  onStarter: (network: NetworkView) => void
  error?: string
  publicIpError?: string
}

export function NetworkField(props: NetworkFieldProps) {
  const { networks, hasExternal, value, onChange, publicIp, onPublicIp } = props
  const { closed } = useOutside()
  return (
    <FormSection title="Networks" error={networks.length > 0 && props.error}>
      <Stack gap="sm">
        {networks.length === 0 ? (
          <StarterNetwork hasExternal={hasExternal} onMade={props.onStarter} />
        ) : (
          <Checkbox.Group value={value} onChange={onChange} aria-label="Networks, in order of choice">
            <Stack gap="xs">
              {networks.map((network) => (
                <NetworkChoice
                  key={network.id}
                  network={network}
                  order={value.indexOf(network.id)}
                  many={value.length > 1}
                />
              ))}
            </Stack>
          </Checkbox.Group>
        )}
        <Switch
          checked={publicIp}
          onChange={(event) => onPublicIp(event.currentTarget.checked)}
          disabled={!hasExternal}
          label="Public IP"
          description={publicIpOffer(hasExternal, closed)}
          error={props.publicIpError}
        />
      </Stack>
    </FormSection>
  )
}

function NetworkChoice({ network, order, many }: { network: NetworkView; order: number; many: boolean }) {
  const cidrs = network.subnets.map((subnet) => subnet.cidr).join(', ')
  const wayOut = network.router
    ? network.router.externalAddress
      ? `way out through ${network.router.name}`
      : `router ${network.router.name} without a way out`
    : 'no router'
  return (
    <Checkbox.Card value={network.id} p="xs" radius="md" aria-label={network.name}>
      <Group wrap="nowrap" gap="sm">
        <Checkbox.Indicator />
        <Stack gap={0} miw={0}>
          <Text size="sm" fw={600} truncate>
            {network.name}
            {many && order >= 0 && (
              <Text span size="xs" c="dimmed">
                {' '}
                · interface {order + 1}
              </Text>
            )}
          </Text>
          <Text size="xs" c="dimmed">
            {cidrs || 'no subnet, so no addresses'} · {wayOut}
            {network.own ? '' : ' · shared'}
          </Text>
        </Stack>
      </Group>
    </Checkbox.Card>
  )
}

function StarterNetwork({
  hasExternal,
  onMade,
}: {
  hasExternal: boolean
  onMade: (network: NetworkView) => void
}) {
  const trpc = useTRPC()
  const { closed } = useOutside()
  const starter = useMutation(trpc.networking.networks.starter.mutationOptions({ onSuccess: onMade }))
  return (
    <Alert variant="light" icon={<IconNetwork />} title="This project has no network yet">
      <Stack gap="xs" align="flex-start">
        <Text size="sm">{starterOffer(hasExternal, closed)}</Text>
        {hasExternal ? (
          <Button size="xs" variant="light" loading={starter.isPending} onClick={() => starter.mutate({})}>
            Create the starter network
          </Button>
        ) : (
          <Anchor size="sm" component={Link} href={`${paths.networks}?create=1`}>
            Create a network
          </Anchor>
        )}
        {starter.isError && (
          <Text size="sm" c="var(--mantine-color-error)" role="alert">
            {cloudError(starter.error).message}
          </Text>
        )}
      </Stack>
    </Alert>
  )
}
