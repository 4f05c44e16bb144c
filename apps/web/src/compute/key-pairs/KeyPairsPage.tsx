'use client'
import { Box } from '@mantine/core'
import { useForm } from '@mantine/form'
import type { KeyPairCreated, KeyPairView } from '@stratolith/api/compute/contract'
import { IconTrash } from '@tabler/icons-react'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import type { ResourceAction } from '../../kit/descriptor.ts'
import { MainAction } from '../../kit/MainAction.tsx'
import { notify } from '../../kit/notify.ts'
import { ResourceTable } from '../../kit/ResourceTable.tsx'
import { SidePanelForm } from '../../kit/SidePanelForm.tsx'
import { shellLine } from '../../kit/shell.ts'
import { invalidateKind } from '../../kit/stale.ts'
import { useTRPC } from '../../kit/trpc.ts'
import { useUrlPanel } from '../../kit/url-state.ts'
import { PageHeader } from '../../ui/PageHeader.tsx'
import { keyPairDescriptor } from './descriptor.tsx'
import {
  emptyKeyPair,
  KeyPairFields,
  type KeyPairValues,
  keyPairInput,
  keyPairProblems,
} from './KeyPairFields.tsx'
import { downloadPrivateKey, PrivateKeyOnce, privateKeyFile } from './PrivateKeyOnce.tsx'

export function KeyPairsPage() {
  const trpc = useTRPC()
  const panel = useUrlPanel('create')
  const [made, setMade] = useState<KeyPairCreated | null>(null)
  return (
    <>
      <PageHeader
        title="Key pairs"
        description="Yours, in every project. Instances keep the key they were launched with."
        actions={<MainAction label="Create key pair" to={{ onClick: panel.open }} />}
      />
      {made && (
        <Box mb="md">
          <PrivateKeyOnce pair={made} onDone={() => setMade(null)} />
        </Box>
      )}
      <ResourceTable
        descriptor={keyPairDescriptor}
        actions={useKeyPairActions()}
        query={(page) => trpc.compute.keyPairs.list.queryOptions(page)}
      />
      <CreateKeyPair opened={panel.opened} onClose={panel.close} onMade={setMade} />
    </>
  )
}

function useKeyPairActions(): ResourceAction<KeyPairView>[] {
  const trpc = useTRPC()
  const remove = useMutation(trpc.compute.keyPairs.delete.mutationOptions())
  return [
    {
      id: 'delete',
      label: 'Delete',
      icon: <IconTrash size={16} />,
      danger: true,
      bulk: true,
      // everybody's key pairs are their own
      allowed: () => true,
      confirm: (views) => ({
        title: views.length === 1 ? `Delete “${views[0]?.name}”?` : `Delete ${views.length} key pairs?`,
        body: `Instances that have ${views.length === 1 ? 'it keep it' : 'them keep them'}; new ones cannot use ${views.length === 1 ? 'it' : 'them'}. Private keys are not touched.`,
        confirmLabel: 'Delete',
      }),
      run: ({ name }) => remove.mutateAsync({ name }),
      started: (views) =>
        views.length === 1 ? `Deleted ${views[0]?.name}` : `Deleted ${views.length} key pairs`,
      asCli: ({ name }) => shellLine('openstack', 'keypair', 'delete', name),
    },
  ]
}

type CreateProps = { opened: boolean; onClose: () => void; onMade: (pair: KeyPairCreated | null) => void }

function CreateKeyPair({ opened, onClose, onMade }: CreateProps) {
  const trpc = useTRPC()
  const client = useQueryClient()
  const create = useMutation(trpc.compute.keyPairs.create.mutationOptions())
  const form = useForm<KeyPairValues>({ initialValues: emptyKeyPair, validate: keyPairProblems })
  return (
    <SidePanelForm
      title="Create key pair"
      opened={opened}
      onClose={onClose}
      form={form}
      submitLabel={form.values.how === 'generate' ? 'Make the pair' : 'Import the key'}
      asCli={(values) =>
        values.how === 'generate'
          ? `${shellLine('openstack', 'keypair', 'create', values.name || 'NAME')} > ${privateKeyFile(values.name || 'NAME')}`
          : shellLine(
              'openstack',
              'keypair',
              'create',
              '--public-key',
              '~/.ssh/id_ed25519.pub',
              values.name || 'NAME',
            )
      }
      onSubmit={async (values) => {
        const pair = await create.mutateAsync(keyPairInput(values))
        invalidateKind(client, 'keyPair')
        if (pair.privateKey) downloadPrivateKey(pair)
        else notify.done(`Imported ${pair.name}`)
        onMade(pair.privateKey ? pair : null)
      }}
    >
      <KeyPairFields form={form} />
    </SidePanelForm>
  )
}
