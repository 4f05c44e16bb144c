'use client'
import { Anchor, Button, Group, List, Paper, Skeleton, Stack, Text } from '@mantine/core'
import type { InstanceDetail } from '@stratolith/api/compute/contract'
import { useMutation, useQuery } from '@tanstack/react-query'
import { cloudError } from '../../../kit/errors.ts'
import { Link } from '../../../kit/navigation.tsx'
import { notify } from '../../../kit/notify.ts'
import { paths } from '../../../kit/paths.ts'
import { useMay } from '../../../kit/rights.ts'
import { useTRPC } from '../../../kit/trpc.ts'
import { wayIn } from '../../../networking/outside.ts'
import { CopyText } from '../../../ui/CopyText.tsx'
import { OkIcon } from '../../../ui/OkIcon.tsx'
import { ReasonButton } from '../../../ui/ReasonButton.tsx'
import { Section } from '../../../ui/Section.tsx'
import { privateKeyFile } from '../../key-pairs/private-key.ts'
import { loginOf, sshCommand } from '../login.ts'
import { notRunning } from '../ssh-words.ts'
import classes from './HowToConnect.module.css'

const sshPort = 22

type Hop = { what: string; ok: boolean; reason: string | null }
type Entry = InstanceDetail['addresses'][number]

/**
 * Shows the command to log in and, hop by hop, why it may not work; shows the consoles where no way leads in at all.
 */
export function HowToConnect({ view }: { view: InstanceDetail }) {
  const entry = view.addresses.find((one) => one.floatingIp) ?? view.addresses[0]
  return entry ? <Ways view={view} entry={entry} /> : null
}

function Ways({ view, entry }: { view: InstanceDetail; entry: Entry }) {
  const trpc = useTRPC()
  const { data: reach, isPending } = useQuery(
    trpc.networking.ports.reach.queryOptions({ portId: entry.portId, protocol: 'tcp', port: sshPort }),
  )
  // The command is not shown before it is known to work, because it might vanish again; its place is kept.
  if (isPending)
    return (
      <Section title="Log in">
        <Skeleton height={180} role="status" aria-label="Loading" />
      </Section>
    )
  const way = wayIn(reach)
  const silent = notRunning(view)
  if (way === 'closed') return <Closed reason={reach?.hops.find((hop) => !hop.ok)?.reason ?? null} />
  return (
    <Section title="Log in with SSH">
      <Stack gap="sm">
        <Command view={view} address={entry.floatingIp ?? entry.address} />
        {silent && <Text size="sm">{silent}</Text>}
        {way === 'open' && !silent && (
          <Text size="sm" c="dimmed">
            The way from outside to port {sshPort} is open: router, public IP and security groups let it
            through.
          </Text>
        )}
        {way === 'blocked' && !silent && (
          <Blocked portId={entry.portId} hops={reach?.hops ?? []} hasPublicIp={entry.floatingIp !== null} />
        )}
      </Stack>
    </Section>
  )
}

/** Shows no command, because nobody outside could use it. */
function Closed({ reason }: { reason: string | null }) {
  return (
    <Section title="Log in">
      <Stack gap="sm">
        <Text size="sm">SSH from outside does not get here. {reason}</Text>
        <Group gap="xs">
          <Button size="xs" variant="default" component={Link} href="?tab=vnc">
            Open the VNC console
          </Button>
          <Button size="xs" variant="default" component={Link} href="?tab=serial">
            Open the serial console
          </Button>
        </Group>
      </Stack>
    </Section>
  )
}

function Command({ view, address }: { view: InstanceDetail; address: string }) {
  const trpc = useTRPC()
  const image = useQuery(
    trpc.images.get.queryOptions(
      { id: view.image.id ?? '' },
      { enabled: view.image.id !== null && !view.loginUser },
    ),
  )
  const login = loginOf(view.loginUser, view.image.name, image.data?.description ?? null)
  return (
    <>
      <CopyText value={sshCommand(login, address, view.keyName ? privateKeyFile(view.keyName) : null)} />
      <Text size="sm" c="dimmed">
        {userText(login, view)}{' '}
        {view.keyName
          ? `It takes the key “${view.keyName}”.`
          : 'It was launched without a key pair: use the password of the image, if it has one, or a console.'}
      </Text>
    </>
  )
}

function userText(login: ReturnType<typeof loginOf>, view: InstanceDetail): string {
  if (!login) return `The image “${view.image.name}” does not say whom to log in as.`
  return login.sure
    ? `The image’s user is “${login.user}”.`
    : `Images of this name usually have the user “${login.user}”.`
}

function Blocked({ portId, hops, hasPublicIp }: { portId: string; hops: Hop[]; hasPublicIp: boolean }) {
  const trpc = useTRPC()
  const may = useMay()
  const give = useMutation(
    trpc.networking.floatingIps.create.mutationOptions({
      onSuccess: ({ address }) => notify.done(`Public IP ${address} leads to it now.`),
    }),
  )
  return (
    <Paper withBorder p="md" radius="md" className={classes.blocked}>
      <Stack gap="xs">
        <Text size="sm" fw={600}>
          From outside it does not answer yet
        </Text>
        <List size="sm" spacing={4} listStyleType="none">
          {hops.map((hop) => (
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
          <Button
            size="xs"
            variant="subtle"
            component={Link}
            target="_blank"
            href={paths.help('networking', 'why-does-ssh-not-answer')}
          >
            Why does SSH not answer?
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
    </Paper>
  )
}
