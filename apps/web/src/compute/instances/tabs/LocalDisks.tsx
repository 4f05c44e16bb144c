'use client'
import { Code, Stack, Text } from '@mantine/core'
import type { LocalDiskView } from '@stratolith/api/compute/contract'
import { IconDatabase } from '@tabler/icons-react'
import { AsCode } from '../../../kit/AsCode.tsx'
import type { RowsDescriptor } from '../../../kit/descriptor.ts'
import { mib } from '../../../kit/format.ts'
import { RowsTable } from '../../../kit/RowsTable.tsx'
import { Section } from '../../../ui/Section.tsx'
import { localDiskSteps, localDiskWords } from './local-disk-words.ts'

const descriptor: RowsDescriptor<LocalDiskView> = {
  kind: 'instance',
  noun: 'Disk',
  plural: 'Disks',
  name: ({ kind }) => localDiskWords[kind],
  icon: <IconDatabase size={28} />,
  columns: [
    { id: 'kind', header: 'Disk', cell: ({ kind }) => localDiskWords[kind] },
    { id: 'size', header: 'Size', cell: ({ sizeMib }) => mib(sizeMib) },
    { id: 'device', header: 'Device', cell: ({ device }) => <Code>{device}</Code> },
  ],
}

/** The ephemeral and swap disks of an instance, with the commands by which a Linux guest uses them. */
export function LocalDisks({ disks }: { disks: readonly LocalDiskView[] }) {
  return (
    <Section
      title="Ephemeral and swap disks"
      description="They belong to the size of the instance, lie on its machine and are deleted with it."
    >
      <Stack gap="sm">
        <RowsTable descriptor={descriptor} rows={[...disks]} actions={[]} />
        <Text size="sm">
          Images with cloud-init mount the first ephemeral disk below /mnt and use the swap disk by
          themselves. In other Linux guests:
        </Text>
        {localDiskSteps(disks).map(({ title, cli }) => (
          <AsCode key={title} title={title} cli={cli} />
        ))}
      </Stack>
    </Section>
  )
}
