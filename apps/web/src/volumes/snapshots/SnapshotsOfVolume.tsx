'use client'
import { Anchor, Text } from '@mantine/core'
import type { VolumeView } from '@stratolith/api/volumes/contract'
import type { SnapshotView } from '@stratolith/api/volumes/snapshots/contract'
import { volumeCan } from '@stratolith/api/volumes/states'
import { IconCamera } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import type { RowsDescriptor } from '../../kit/descriptor.ts'
import { Loaded } from '../../kit/Loaded.tsx'
import { Link } from '../../kit/navigation.tsx'
import { paths } from '../../kit/paths.ts'
import { RowsTable } from '../../kit/RowsTable.tsx'
import { all, useMay } from '../../kit/rights.ts'
import { useElsewhere, useLook } from '../../kit/session.ts'
import { useTRPC } from '../../kit/trpc.ts'
import { ReasonButton } from '../../ui/ReasonButton.tsx'
import { Section } from '../../ui/Section.tsx'
import { snapshotDescriptor } from './snapshot.descriptor.tsx'
import { useSnapshotActions } from './snapshot-actions.tsx'
import { useSnapshotForms } from './use-snapshot-forms.tsx'

/** The page of a volume shows the newest of its snapshots. */
const most = 20

const ofVolume: RowsDescriptor<SnapshotView> = {
  ...snapshotDescriptor,
  columns: snapshotDescriptor.columns
    .filter(({ id }) => id !== 'volume' && id !== 'size')
    .map((column) => (column.id === 'condition' ? { ...column, hideBelow: undefined } : column)),
}

/** The snapshots of a volume, with the way to take another one; `take` opens the form. */
export function SnapshotsOfVolume({ volume, take }: { volume: VolumeView; take: () => void }) {
  const trpc = useTRPC()
  const may = useMay()
  const own = !useElsewhere(volume.projectId)
  const { allProjects } = useLook(volume.projectId)
  const query = useQuery(
    trpc.volumes.snapshots.list.queryOptions({ volumeId: volume.id, limit: most, allProjects }),
  )
  const forms = useSnapshotForms()
  const actions = useSnapshotActions(forms.open)
  return (
    <Section
      title="Snapshots"
      description="What the volume contained at one moment. The volume can go back to it, and new volumes are made of it."
      action={
        <ReasonButton
          size="xs"
          variant="default"
          leftSection={<IconCamera size={14} />}
          allowed={all(may(own), volumeCan.snapshot(volume))}
          onClick={take}
        >
          Take snapshot
        </ReasonButton>
      }
    >
      <Loaded query={query}>
        {({ items, next }) => (
          <>
            <RowsTable
              descriptor={ofVolume}
              label="Snapshots of the volume"
              rows={items}
              actions={actions}
              empty={
                <Text size="sm" c="dimmed">
                  None yet. Take one before you change something that you may want back.
                </Text>
              }
            />
            {next !== null && (
              <Text size="sm" c="dimmed" mt="sm">
                These are the newest {most}.{' '}
                <Anchor
                  component={Link}
                  href={allProjects ? paths.adminVolumeSnapshots : paths.volumeSnapshots}
                  size="sm"
                  underline="always"
                >
                  Show all volume snapshots
                </Anchor>
              </Text>
            )}
          </>
        )}
      </Loaded>
      {forms.panels}
    </Section>
  )
}
