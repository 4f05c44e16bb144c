'use client'
import { Anchor, Stack, Text } from '@mantine/core'
import type { BackupView } from '@stratolith/api/volumes/backups/contract'
import type { VolumeView } from '@stratolith/api/volumes/contract'
import { volumeCan } from '@stratolith/api/volumes/states'
import { IconArchive } from '@tabler/icons-react'
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
import { backupDescriptor } from './backup.descriptor.tsx'
import { useBackupActions } from './backup-actions.tsx'
import { ScheduleOfVolume } from './ScheduleOfVolume.tsx'
import { useBackupForms } from './use-backup-forms.tsx'

/** The tab of a volume shows the newest of its backups. */
const most = 50

const ofVolume: RowsDescriptor<BackupView> = {
  ...backupDescriptor,
  columns: backupDescriptor.columns.filter(({ id }) => id !== 'volume'),
}

/** The backups of a volume and its schedule; `make` opens the form of another backup. */
export function BackupsOfVolume({ volume, make }: { volume: VolumeView; make: () => void }) {
  const trpc = useTRPC()
  const may = useMay()
  const own = !useElsewhere(volume.projectId)
  const { allProjects } = useLook(volume.projectId)
  const query = useQuery(
    trpc.volumes.backups.list.queryOptions({ volumeId: volume.id, limit: most, allProjects }),
  )
  const forms = useBackupForms()
  const actions = useBackupActions(forms.open)
  return (
    <Stack gap="md">
      <Section
        title="Backups"
        description="What the volume contained, kept in the store of backups. They outlive the volume."
        action={
          <ReasonButton
            size="xs"
            variant="default"
            leftSection={<IconArchive size={14} />}
            allowed={all(may(own), volumeCan.backUp(volume))}
            onClick={make}
          >
            Back up
          </ReasonButton>
        }
      >
        <Loaded query={query}>
          {({ items, next }) => (
            <>
              <RowsTable
                descriptor={ofVolume}
                label="Backups of the volume"
                rows={items}
                actions={actions}
                empty={
                  <Text size="sm" c="dimmed">
                    None yet. A snapshot is lost with the disk of its volume. A backup lies in the store of
                    backups: your administrator knows on which disk that is.
                  </Text>
                }
              />
              {next !== null && (
                <Text size="sm" c="dimmed" mt="sm">
                  These are the newest {most}.{' '}
                  <Anchor
                    component={Link}
                    href={allProjects ? paths.adminVolumeBackups : paths.volumeBackups}
                    size="sm"
                    underline="always"
                  >
                    Show all volume backups
                  </Anchor>
                </Text>
              )}
            </>
          )}
        </Loaded>
      </Section>
      <ScheduleOfVolume volume={volume} />
      {forms.panels}
    </Stack>
  )
}
