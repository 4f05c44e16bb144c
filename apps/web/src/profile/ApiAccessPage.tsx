'use client'
import { Anchor, Button, Code, CopyButton, Group, Stack, Text } from '@mantine/core'
import type { AccessView } from '@stratolith/api/catalog/contract'
import { IconCopy, IconDownload, IconKey } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { Ago } from '../kit/Ago.tsx'
import { askPortal } from '../kit/ask-portal.ts'
import type { RowsDescriptor } from '../kit/descriptor.ts'
import { Loaded } from '../kit/Loaded.tsx'
import { Link } from '../kit/navigation.tsx'
import { notify } from '../kit/notify.ts'
import { paths } from '../kit/paths.ts'
import { placeName } from '../kit/place.ts'
import { RowsTable } from '../kit/RowsTable.tsx'
import { saveText } from '../kit/save-file.ts'
import { type Session, useSession } from '../kit/session.ts'
import { TwoLines } from '../kit/TwoLines.tsx'
import { useTRPC } from '../kit/trpc.ts'
import { CopyText } from '../ui/CopyText.tsx'
import { PageHeader } from '../ui/PageHeader.tsx'
import { Section } from '../ui/Section.tsx'
import { Snippet } from '../ui/Snippet.tsx'
import { type CloudPlace, cloudsYaml, openrc } from './cloud-files.ts'
import { Programs } from './Programs.tsx'

/** What a program needs to use the cloud: files for the stock client, a token, and the addresses. */
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
            <Files access={access} place={placeOf(session, access)} />
            <Programs access={access} place={placeOf(session, access)} />
            <Token />
            <Endpoints access={access} />
          </Stack>
        )}
      </Loaded>
    </>
  )
}

const placeOf = (session: Session, { authUrl, region }: AccessView): CloudPlace => ({
  ...{ authUrl, region },
  user: { name: session.userName, domain: session.userDomain.name },
  project: session.project,
  domain: session.domain,
  system: session.system,
})

function Files({ access, place }: { access: AccessView; place: CloudPlace }) {
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
        <Snippet label="Then, where the file is" text={'source openrc.sh\nopenstack server list'} />
        <Group gap="xs">
          <Text size="sm" c="dimmed">
            Authentication URL
          </Text>
          <CopyText value={access.authUrl} />
        </Group>
        {place.project && (
          <Group gap="xs">
            <Text size="sm" c="dimmed">
              Project ID
            </Text>
            <CopyText value={place.project.id} />
          </Group>
        )}
      </Stack>
    </Section>
  )
}

type Issued = { token: string; expiresAt: string }

/** Makes a token only when somebody asks for one; it is valid until the session ends. */
function Token() {
  const session = useSession()
  const [issued, setIssued] = useState<Issued | null>(null)
  const [busy, setBusy] = useState(false)
  const ask = async () => {
    setBusy(true)
    try {
      setIssued(await askPortal<Issued>('/api/token', session))
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

const endpoints: RowsDescriptor<AccessView['endpoints'][number] & { id: string }> = {
  kind: 'endpoint',
  noun: 'Endpoint',
  plural: 'Endpoints',
  name: ({ type }) => type,
  icon: null,
  columns: [
    {
      id: 'service',
      header: 'Service',
      cell: ({ type, service }) => (
        <TwoLines second={service}>
          <Text size="sm" fw={600}>
            {type}
          </Text>
        </TwoLines>
      ),
    },
    { id: 'address', header: 'Address', cell: ({ url }) => <CopyText value={url} /> },
  ],
}

function Endpoints({ access }: { access: AccessView }) {
  return (
    <Section title="Endpoints" description={`Addresses of the services in region ${access.region}.`}>
      <RowsTable
        descriptor={endpoints}
        rows={access.endpoints.map((one) => ({ ...one, id: `${one.type} ${one.url}` }))}
      />
    </Section>
  )
}
