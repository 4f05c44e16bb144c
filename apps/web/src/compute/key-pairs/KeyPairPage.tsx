'use client'
import { Button, Code, Group, Stack } from '@mantine/core'
import type { KeyPairView } from '@stratolith/api/compute/contract'
import { IconDownload } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { Ago } from '../../kit/Ago.tsx'
import { DetailPage } from '../../kit/DetailPage.tsx'
import { Loaded } from '../../kit/Loaded.tsx'
import { fileNameOf, saveText } from '../../kit/save-file.ts'
import { useTRPC } from '../../kit/trpc.ts'
import { CopyText } from '../../ui/CopyText.tsx'
import { Facts } from '../../ui/Fact.tsx'
import { Section } from '../../ui/Section.tsx'
import { InstancesWith } from '../instances/InstancesWith.tsx'
import { keyPairDescriptor } from './descriptor.tsx'
import { useKeyPairActions } from './use-key-pair-actions.tsx'

/** The page of a key pair: its fingerprints, its public key, and the instances that were launched with it. */
export function KeyPairPage({ name }: { name: string }) {
  const trpc = useTRPC()
  const query = useQuery(trpc.compute.keyPairs.get.queryOptions({ name }))
  const actions = useKeyPairActions()
  return (
    <Loaded query={query}>
      {(view) => (
        <DetailPage
          descriptor={keyPairDescriptor}
          view={view}
          actions={actions}
          description="Yours, in every project. Instances keep the key that they were launched with."
          tabs={[
            { id: 'overview', label: 'Overview', content: <Overview view={view} /> },
            {
              id: 'instances',
              label: 'Instances',
              content: (
                <InstancesWith
                  which={{ keyName: view.name }}
                  none="None of your instances in this project was launched with this key pair."
                />
              ),
            },
          ]}
        />
      )}
    </Loaded>
  )
}

function Overview({ view }: { view: KeyPairView }) {
  return (
    <Stack gap="md">
      <Section
        title="Facts"
        description="ssh-keygen -l -f FILE prints the SHA256 fingerprint of the key in a file."
      >
        <Facts
          items={[
            { label: 'SHA256', value: view.sha256, copy: view.sha256 },
            { label: 'MD5', value: view.fingerprint, copy: view.fingerprint },
            { label: 'Type', value: view.type },
            { label: 'Created', value: <Ago iso={view.createdAt} /> },
          ]}
        />
      </Section>
      <Section
        title="Public key"
        action={
          <Group gap="xs">
            <CopyText value={view.publicKey} label="Copy the line" />
            <Button
              size="xs"
              variant="default"
              leftSection={<IconDownload size={14} />}
              onClick={() => saveText(fileNameOf(view.name, '.pub'), `${view.publicKey.trim()}\n`)}
            >
              Download
            </Button>
          </Group>
        }
      >
        <Code block style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }}>
          {view.publicKey}
        </Code>
      </Section>
    </Stack>
  )
}
