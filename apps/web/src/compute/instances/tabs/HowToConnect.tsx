'use client'
import { Alert, Anchor, Button, Group, List, Stack, Text } from '@mantine/core'
import type { InstanceDetail } from '@stratolith/api/compute/contract'
import { useMutation, useQuery } from '@tanstack/react-query'
import Link from 'next/link'
import { cloudError } from '../../../kit/errors.ts'
import { notify } from '../../../kit/notify.ts'
import { paths } from '../../../kit/paths.ts'
import { useMay } from '../../../kit/rights.ts'
import { useTRPC } from '../../../kit/trpc.ts'
import { CopyText } from '../../../ui/CopyText.tsx'
import { OkIcon } from '../../../ui/OkIcon.tsx'
import { ReasonButton } from '../../../ui/ReasonButton.tsx'
import { Section } from '../../../ui/Section.tsx'
import { privateKeyFile } from '../../key-pairs/PrivateKeyOnce.tsx'
import { loginOf, sshCommand } from '../login.ts'

const sshPort = 22

/** The command to log in with, and hop by hop why it may not answer. */
export function HowToConnect({ view }: { view: InstanceDetail }) {
  const trpc = useTRPC()
  const image = useQuery(
    trpc.images.get.queryOptions(
      { id: view.image.id ?? '' },
      { enabled: view.image.id !== null && !view.loginUser },
    ),
  )
  const login = loginOf(view.loginUser, view.image.name, image.data?.description ?? null)
  const entry = view.addresses.find((one) => one.floatingIp) ?? view.addresses[0]
  if (!entry) return null
  const address = entry.floatingIp ?? entry.address
  return (
    <Section title="Log in with SSH">
      <Stack gap="sm">
        <CopyText value={sshCommand(login, address, view.keyName ? privateKeyFile(view.keyName) : null)} />
        <Text size="sm" c="dimmed">
          {userText(login, view)}{' '}
          {view.keyName
            ? `It takes the key “${view.keyName}”.`
            : 'It was launched without a key pair: use the password of the image, if it has one, or a console.'}
        </Text>
        <Reach portId={entry.portId} hasPublicIp={entry.floatingIp !== null} />
      </Stack>
    </Section>
  )
}

function userText(login: ReturnType<typeof loginOf>, view: InstanceDetail): string {
  if (!login) return `The image “${view.image.name}” does not say whom to log in as.`
  return login.sure
    ? `The image’s user is “${login.user}”.`
    : `Images of this name usually have the user “${login.user}”.`
}

function Reach({ portId, hasPublicIp }: { portId: string; hasPublicIp: boolean }) {
  const trpc = useTRPC()
  const may = useMay()
  const { data: reach } = useQuery(
    trpc.networking.ports.reach.queryOptions({ portId, protocol: 'tcp', port: sshPort }),
  )
  const give = useMutation(
    trpc.networking.floatingIps.create.mutationOptions({
      onSuccess: ({ address }) => notify.done(`Public IP ${address} leads to it now.`),
    }),
  )
  if (!reach) return null
  if (reach.ok)
    return (
      <Text size="sm" c="dimmed">
        The way from outside to port {sshPort} is open: router, public IP and security groups let it through.
      </Text>
    )
  return (
    <Alert
      variant="light"
      color="yellow"
      styles={{ title: { color: 'var(--mantine-color-text)' } }}
      title="From outside it does not answer yet"
    >
      <Stack gap="xs">
        <List size="sm" spacing={4} listStyleType="none">
          {reach.hops.map((hop) => (
            <List.Item key={hop.what} icon={<OkIcon ok={hop.ok} label={hop.ok ? 'fine' : 'in the way'} />}>
              {hop.ok ? hop.what : (hop.reason ?? hop.what)}
            </List.Item>
          ))}
        </List>
        <Group gap="xs">
          {!hasPublicIp && (
            <ReasonButton
              size="xs"
              variant="default"
              loading={give.isPending}
              allowed={may()}
              onClick={() => give.mutate({ portId })}
            >
              Give it a public IP
            </ReasonButton>
          )}
          <Button size="xs" variant="subtle" component={Link} href="?tab=security">
            Look at its security groups
          </Button>
        </Group>
        {give.isError && (
          <Text size="sm" c="var(--mantine-color-error)" role="alert">
            {cloudError(give.error).message} See{' '}
            <Anchor component={Link} href={paths.floatingIps} underline="always">
              Floating IPs
            </Anchor>
            .
          </Text>
        )}
      </Stack>
    </Alert>
  )
}
