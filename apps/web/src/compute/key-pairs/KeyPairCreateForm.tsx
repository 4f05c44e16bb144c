'use client'
import { useForm } from '@mantine/form'
import type { KeyPairCreated } from '@stratolith/api/compute/contract'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { notify } from '../../kit/notify.ts'
import { SidePanelForm } from '../../kit/SidePanelForm.tsx'
import { shellLine } from '../../kit/shell.ts'
import { invalidateKind } from '../../kit/stale.ts'
import { useTRPC } from '../../kit/trpc.ts'
import {
  emptyKeyPair,
  KeyPairFields,
  type KeyPairValues,
  keyPairInput,
  keyPairProblems,
} from './KeyPairFields.tsx'
import { downloadPrivateKey, privateKeyFile } from './private-key.ts'

type CreateProps = { opened: boolean; onClose: () => void; onMade: (pair: KeyPairCreated | null) => void }

/** The panel that makes a key pair, or takes a public key that exists. */
export function KeyPairCreateForm({ opened, onClose, onMade }: CreateProps) {
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
