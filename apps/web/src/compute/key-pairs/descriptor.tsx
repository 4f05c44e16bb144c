import type { KeyPairView } from '@stratolith/api/compute/contract'
import { IconKey } from '@tabler/icons-react'
import { Ago } from '../../kit/Ago.tsx'
import type { ResourceDescriptor } from '../../kit/descriptor.ts'
import { MainAction } from '../../kit/MainAction.tsx'
import { NameCell } from '../../kit/NameCell.tsx'
import { creating, paths } from '../../kit/paths.ts'
import { TwoLines } from '../../kit/TwoLines.tsx'
import { CopyText } from '../../ui/CopyText.tsx'

export const keyPairDescriptor: ResourceDescriptor<KeyPairView> = {
  kind: 'keyPair',
  noun: 'Key pair',
  plural: 'Key pairs',
  name: (view) => view.name,
  path: (view) => paths.keyPair(view.name),
  icon: <IconKey size={28} />,
  columns: [
    {
      id: 'name',
      header: 'Name',
      sort: true,
      value: (view) => view.name,
      cell: (view) => <NameCell href={paths.keyPair(view.name)} name={view.name} />,
    },
    {
      id: 'type',
      header: 'Type',
      width: 140,
      hideBelow: 'xl',
      value: (view) => view.type,
      cell: (view) => view.type,
    },
    {
      id: 'fingerprint',
      header: 'Fingerprint',
      value: (view) => view.fingerprint,
      // ssh-keygen -l prints the first fingerprint, and OpenStack's clients show the second one.
      cell: (view) => (
        <TwoLines second={`MD5:${view.fingerprint}`}>
          <CopyText whole value={view.sha256} />
        </TwoLines>
      ),
    },
    {
      id: 'public',
      header: 'Public key',
      hideBelow: 'xl',
      value: (view) => view.publicKey,
      cell: (view) => <CopyText whole value={view.publicKey} label={`${view.publicKey.slice(0, 24)}…`} />,
    },
    {
      id: 'created',
      header: 'Created',
      width: 140,
      hideBelow: 'md',
      sort: true,
      value: (view) => view.createdAt,
      cell: (view) => <Ago iso={view.createdAt} />,
    },
  ],
  empty: {
    title: 'No key pairs yet',
    text: 'With a key pair you log in to your instances over SSH without a password.',
    action: <MainAction label="Create key pair" to={{ href: creating(paths.keyPairs) }} />,
  },
}
