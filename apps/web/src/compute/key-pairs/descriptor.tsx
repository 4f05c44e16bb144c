import { Button, Text } from '@mantine/core'
import type { KeyPairView } from '@stratolith/api/compute/contract'
import { IconKey, IconPlus } from '@tabler/icons-react'
import { Ago } from '../../kit/Ago.tsx'
import type { ResourceDescriptor } from '../../kit/descriptor.ts'
import { Link } from '../../kit/navigation.tsx'
import { creating, paths } from '../../kit/paths.ts'
import { CopyText } from '../../ui/CopyText.tsx'

export const keyPairDescriptor: ResourceDescriptor<KeyPairView> = {
  kind: 'keyPair',
  noun: 'Key pair',
  plural: 'Key pairs',
  name: (view) => view.name,
  icon: <IconKey size={28} />,
  columns: [
    {
      id: 'name',
      header: 'Name',
      sort: true,
      value: (view) => view.name,
      cell: (view) => (
        <Text size="sm" fw={600} style={{ overflowWrap: 'anywhere' }}>
          {view.name}
        </Text>
      ),
    },
    {
      id: 'type',
      header: 'Type',
      width: 140,
      hideBelow: 'sm',
      value: (view) => view.type,
      cell: (view) => view.type,
    },
    {
      id: 'fingerprint',
      header: 'Fingerprint',
      value: (view) => view.fingerprint,
      cell: (view) => <CopyText value={view.fingerprint} />,
    },
    {
      id: 'public',
      header: 'Public key',
      hideBelow: 'md',
      value: (view) => view.publicKey,
      cell: (view) => <CopyText value={view.publicKey} label={`${view.publicKey.slice(0, 24)}…`} />,
    },
    {
      id: 'created',
      header: 'Created',
      width: 140,
      hideBelow: 'sm',
      sort: true,
      value: (view) => view.createdAt,
      cell: (view) => <Ago iso={view.createdAt} />,
    },
  ],
  empty: {
    title: 'No key pairs yet',
    text: 'With a key pair you log in to your instances over SSH without a password.',
    action: (
      <Button component={Link} href={creating(paths.keyPairs)} leftSection={<IconPlus size={16} />}>
        Add a key pair
      </Button>
    ),
  },
}
