'use client'
import { Box } from '@mantine/core'
import { useForm } from '@mantine/form'
import type { KeyPairCreated } from '@stratolith/api/compute/contract'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
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
import { keyPairList } from './list.ts'
import { downloadPrivateKey, PrivateKeyOnce, privateKeyFile } from './PrivateKeyOnce.tsx'
import { useKeyPairActions } from './use-key-pair-actions.tsx'

export function KeyPairsPage() {
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
      <ResourceTable descriptor={keyPairDescriptor} actions={useKeyPairActions()} query={keyPairList} />
      <CreateKeyPair opened={panel.opened} onClose={panel.close} onMade={setMade} />
    </>
  )
}

type CreateProps = { opened: boolean; onClose: () => void; onMade: (pair: KeyPairCreated | null) => void }

function CreateKeyPair({ opened, onClose, onMade }: CreateProps) {
  const trpc = useTRPC()
  const client = useQueryClient()
  const create = useMutation(trpc.compute.keyPairs.create.mutationOptions())
  const form = useForm<KeyPairValues>({ initialValues: emptyKeyPair, validate: keyPairProblems })
  return (
    <SidePanelForm
      needs="nothing"
      title="Create key pair"
      opened={opened}
      onClose={onClose}
      form={form}
      submitLabel={form.values.how === 'generate' ? 'Create' : 'Import'}
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
