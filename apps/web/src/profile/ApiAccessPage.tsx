'use client'
import { Anchor, Button, Code, CopyButton, Group, Stack, Table, Text } from '@mantine/core'
import type { AccessView } from '@stratolith/api/catalog/contract'
import { IconCopy, IconDownload, IconKey } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { Ago } from '../kit/Ago.tsx'
import { AsCode } from '../kit/AsCode.tsx'
import { Loaded } from '../kit/Loaded.tsx'
import { Link } from '../kit/navigation.tsx'
import { notify } from '../kit/notify.ts'
import { paths } from '../kit/paths.ts'
import { placeName } from '../kit/place.ts'
import { saveText } from '../kit/save-file.ts'
import { useSession } from '../kit/session.ts'
import { useTRPC } from '../kit/trpc.ts'
import { CopyText } from '../ui/CopyText.tsx'
import { PageHeader } from '../ui/PageHeader.tsx'
import { Section } from '../ui/Section.tsx'
import { cloudsYaml, openrc } from './cloud-files.ts'

/** How to come in with a program: files for the stock client, a token, the addresses. */
export function ApiAccessPage() {
  const trpc = useTRPC()
  const session = useSession()
  const query = useQuery(trpc.catalog.access.queryOptions())
  return (
    <>
      <PageHeader
        title="API access"
        description={`The stock openstack client and every OpenStack library work with this cloud. These are for: ${placeName(session)}.`}
      />
      <Loaded query={query}>
        {(access: AccessView) => (
          <Stack gap="md">
            <Files access={access} />
            <Token />
            <Endpoints access={access} />
          </Stack>
        )}
      </Loaded>
    </>
  )
}

function Files({ access }: { access: AccessView }) {
  const session = useSession()
  const place = {
    ...access,
    user: { name: session.userName, domain: session.userDomain.name },
    project: session.project,
    domain: session.domain,
    system: session.system,
  }
  const file = (name: string, text: string) => (
    <Button variant="default" leftSection={<IconDownload size={16} />} onClick={() => saveText(name, text)}>
      {name}
    </Button>
  )
  return (
    <Section
      title="Files for the command line"
      description={
        <>
          No password is in them: the first asks for it. For programs make an{' '}
          <Anchor component={Link} href={`${paths.profile}?tab=credentials`} inherit underline="always">
            application credential
          </Anchor>{' '}
          instead.
        </>
      }
    >
      <Stack gap="md">
        <Group gap="xs">
          {file('openrc.sh', openrc(place))}
          {file('clouds.yaml', cloudsYaml(place))}
        </Group>
        <AsCode cli={'source openrc.sh\nopenstack server list'} />
        <Group gap="xs">
          <Text size="sm" c="dimmed">
            Authentication URL
          </Text>
          <CopyText value={access.authUrl} />
        </Group>
        {session.project && (
          <Group gap="xs">
            <Text size="sm" c="dimmed">
              Project ID
            </Text>
            <CopyText value={session.project.id} />
          </Group>
        )}
      </Stack>
    </Section>
  )
}

type Issued = { token: string; expiresAt: string }

/** Made only when somebody asks: it lives as long as the session, and ends with it. */
function Token() {
  const { place } = useSession()
  const [issued, setIssued] = useState<Issued | null>(null)
  const [busy, setBusy] = useState(false)
  const ask = async () => {
    setBusy(true)
    try {
      const answer = await fetch('/api/token', { method: 'POST', headers: { 'x-stratolith-place': place } })
      const body = await answer.json()
      if (!answer.ok) throw body.error
      setIssued(body)
    } catch (error) {
      notify.failed(error)
    } finally {
      setBusy(false)
    }
  }
  return (
    <Section
      title="Token"
      description="For a quick try. Whoever has it is you, here, until it ends; signing out ends it too."
    >
      {issued ? (
        <Stack gap="xs">
          <Code
            block
            tabIndex={0}
            aria-label="Token"
            style={{ overflowWrap: 'anywhere', whiteSpace: 'pre-wrap' }}
          >
            {issued.token}
          </Code>
          <Group gap="sm">
            <CopyButton value={issued.token}>
              {({ copied, copy }) => (
                <Button size="xs" variant="default" leftSection={<IconCopy size={14} />} onClick={copy}>
                  {copied ? 'Copied' : 'Copy the token'}
                </Button>
              )}
            </CopyButton>
            <Text size="sm" c="dimmed" component="div">
              ends <Ago iso={issued.expiresAt} />
            </Text>
          </Group>
        </Stack>
      ) : (
        <Button
          variant="default"
          leftSection={<IconKey size={16} />}
          loading={busy}
          onClick={() => void ask()}
        >
          Show a token
        </Button>
      )}
    </Section>
  )
}

function Endpoints({ access }: { access: AccessView }) {
  return (
    <Section title="Endpoints" description={`Region ${access.region}`}>
      <Table.ScrollContainer minWidth={0}>
        <Table aria-label="Endpoints">
          <Table.Thead>
            <Table.Tr>
              <Table.Th>Service</Table.Th>
              <Table.Th>Address</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {access.endpoints.map(({ service, type, url }) => (
              <Table.Tr key={`${type} ${url}`}>
                <Table.Td>
                  <Text size="sm" fw={600}>
                    {type}
                  </Text>
                  <Text size="xs" c="dimmed">
                    {service}
                  </Text>
                </Table.Td>
                <Table.Td>
                  <CopyText value={url} />
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
    </Section>
  )
}
