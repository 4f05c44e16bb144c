'use client'
import { Alert, Badge, Box, Button, Group, Stack, Text } from '@mantine/core'
import type {
  ApplicationCredentialView,
  NewApplicationCredential,
} from '@stratolith/api/delegation/application-credentials/contract'
import { IconDownload, IconKey, IconPlus, IconTrash } from '@tabler/icons-react'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { Ago } from '../kit/Ago.tsx'
import type { ResourceAction, ResourceDescriptor } from '../kit/descriptor.ts'
import { Loaded } from '../kit/Loaded.tsx'
import { lazyPanel } from '../kit/lazy-panel.tsx'
import { RowsTable } from '../kit/RowsTable.tsx'
import { StateBadge } from '../kit/StateBadge.tsx'
import { saveText } from '../kit/save-file.ts'
import { useSession } from '../kit/session.ts'
import { shellLine } from '../kit/shell.ts'
import { useTRPC } from '../kit/trpc.ts'
import { useUrlPanel } from '../kit/url-state.ts'
import { CopyText } from '../ui/CopyText.tsx'
import { ReasonButton } from '../ui/ReasonButton.tsx'
import { Section } from '../ui/Section.tsx'
import { credentialYaml } from './cloud-files.ts'

const CredentialForm = lazyPanel(() => import('./CredentialForm.tsx').then((module) => module.CredentialForm))

const descriptor: ResourceDescriptor<ApplicationCredentialView> = {
  kind: 'user',
  noun: 'Application credential',
  plural: 'Application credentials',
  name: ({ name }) => name,
  icon: <IconKey size={28} />,
  columns: [
    {
      id: 'name',
      header: 'Name',
      cell: ({ name, description }) => (
        <div>
          <Text size="sm" fw={600}>
            {name}
          </Text>
          {description && (
            <Text size="xs" c="dimmed">
              {description}
            </Text>
          )}
        </div>
      ),
    },
    { id: 'project', header: 'Project', cell: ({ project }) => project.name },
    {
      id: 'roles',
      header: 'Roles',
      cell: ({ roles, unrestricted }) => (
        <Group gap={4}>
          {roles.map(({ id, name }) => (
            <Badge key={id} variant="default" tt="none" fw={500}>
              {name}
            </Badge>
          ))}
          {unrestricted && (
            <Badge variant="light" color="warn" tt="none">
              unrestricted
            </Badge>
          )}
        </Group>
      ),
    },
    {
      id: 'expires',
      header: 'Ends',
      cell: ({ expiresAt, expired }) =>
        expired ? <StateBadge state="Expired" tone="bad" /> : expiresAt ? <Ago iso={expiresAt} /> : 'never',
    },
    { id: 'id', header: 'ID', hideBelow: 'md', cell: ({ id }) => <CopyText value={id} /> },
  ],
  empty: {
    title: 'No application credentials',
    text: 'A program gets one of its own instead of your password: for one project, with some of your roles, and taken back alone.',
  },
}

/** The person's application credentials, which are passwords for programs. */
export function ApplicationCredentials() {
  const trpc = useTRPC()
  const client = useQueryClient()
  const { project } = useSession()
  const panel = useUrlPanel('create')
  const [made, setMade] = useState<NewApplicationCredential | null>(null)
  const query = useQuery(trpc.delegation.applicationCredentials.list.queryOptions({}))
  const remove = useMutation(trpc.delegation.applicationCredentials.delete.mutationOptions())
  const removal: ResourceAction<ApplicationCredentialView> = {
    id: 'delete',
    label: 'Delete',
    icon: <IconTrash size={16} />,
    danger: true,
    allowed: () => true,
    confirm: ([one]) => ({
      title: `Delete ${one?.name ?? ''}?`,
      body: 'Programs that use it are out at once.',
      confirmLabel: 'Delete',
    }),
    run: ({ id }) => remove.mutateAsync({ id }),
    started: ([one]) => `Deleted ${one?.name ?? ''}`,
    asCli: ({ id }) => shellLine('openstack', 'application', 'credential', 'delete', id),
  }
  return (
    <Section
      title="Application credentials"
      description="What programs sign in with in your name."
      action={
        <ReasonButton
          size="xs"
          leftSection={<IconPlus size={14} />}
          allowed={project !== null || 'Switch to the project that it shall be for.'}
          onClick={panel.open}
        >
          Create a credential
        </ReasonButton>
      }
    >
      {made && (
        <Box mb="md">
          <SecretOnce credential={made} onDone={() => setMade(null)} />
        </Box>
      )}
      <Loaded query={query}>
        {(found) => <RowsTable descriptor={descriptor} rows={found} actions={[removal]} />}
      </Loaded>
      {panel.opened && (
        <CredentialForm
          opened
          onClose={panel.close}
          onMade={(credential) => {
            setMade(credential)
            void client.invalidateQueries({ queryKey: trpc.delegation.applicationCredentials.pathKey() })
          }}
        />
      )}
    </Section>
  )
}

/** Shows the secret at the only moment when the cloud has it in readable form. */
function SecretOnce({ credential, onDone }: { credential: NewApplicationCredential; onDone: () => void }) {
  const trpc = useTRPC()
  const access = useQuery(trpc.catalog.access.queryOptions()).data
  return (
    <Alert
      variant="light"
      color="warn"
      c="var(--mantine-color-text)"
      styles={{ title: { color: 'inherit' }, closeButton: { color: 'inherit' } }}
      icon={<IconKey />}
      title="Keep the secret: it is shown only now"
      withCloseButton
      closeButtonLabel="Close: I have the secret"
      onClose={onDone}
    >
      <Stack gap="xs">
        <Text size="sm">ID</Text>
        <CopyText value={credential.id} />
        <Text size="sm">Secret</Text>
        <CopyText value={credential.secret} />
        <Group>
          <Button
            size="xs"
            variant="default"
            leftSection={<IconDownload size={14} />}
            disabled={!access}
            onClick={() => access && saveText('clouds.yaml', credentialYaml(access, credential))}
          >
            Download clouds.yaml
          </Button>
        </Group>
      </Stack>
    </Alert>
  )
}
