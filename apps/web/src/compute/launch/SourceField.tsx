'use client'
import { Anchor, Input, Radio, SegmentedControl, Stack, Text } from '@mantine/core'
import type { ImageView } from '@stratolith/api/images/contract'
import type { BackupView } from '@stratolith/api/volumes/backups/contract'
import type { VolumeView } from '@stratolith/api/volumes/contract'
import type { SnapshotView } from '@stratolith/api/volumes/snapshots/contract'
import type { ReactNode } from 'react'
import { gib } from '../../kit/format.ts'
import { Link } from '../../kit/navigation.tsx'
import { paths } from '../../kit/paths.ts'
import { backupName, sourceName } from '../../volumes/backups/words.ts'
import { snapshotName } from '../../volumes/snapshots/words.ts'
import { volumeName } from '../../volumes/volume.descriptor.tsx'
import { diskSources, noteBelow, sourceWords } from './disks.ts'
import { FormSection } from './FormSection.tsx'
import { ImageField } from './ImageField.tsx'
import classes from './launch.module.css'
import type { LaunchFormApi } from './use-launch-form.ts'

type Props = {
  form: LaunchFormApi
  images: ImageView[]
  /** The volumes from which an instance can start; null while they are being read. */
  volumes: readonly VolumeView[] | null
  /** The snapshots of whose copies an instance can start; null while they are being read. */
  snapshots: readonly SnapshotView[] | null
  /** The backups whose content the root disk can get; null while they are being read. */
  backups: readonly BackupView[] | null
  /** Whether there are more of these than the form offers. */
  isCut: boolean
  errorOf: (field: 'imageId' | 'volumeId' | 'snapshotId' | 'backupId') => string | undefined
}

const sources = diskSources.map((value) => ({ value, label: sourceWords[value] }))

/** The choice of what the root disk begins with: an image, a volume that has a system already, or a copy of a snapshot or of a backup. */
export function SourceField({ form, images, volumes, snapshots, backups, isCut, errorOf }: Props) {
  const { source, imageId, volumeId, snapshotId, backupId } = form.values
  return (
    <>
      <Input.Wrapper label="Start from" labelElement="div">
        <SegmentedControl
          fullWidth
          aria-label="Start from"
          data={sources}
          value={source}
          onChange={(value) =>
            form.setFieldValue('source', diskSources.find((one) => one === value) ?? 'image')
          }
        />
      </Input.Wrapper>
      {source === 'image' && (
        <ImageField
          images={images}
          value={imageId}
          onChange={(id) => form.setFieldValue('imageId', id)}
          error={errorOf('imageId')}
        />
      )}
      {source === 'volume' && (
        <ChoiceField
          title="Volume"
          headings={['Name', 'Size', 'Made from']}
          rows={volumes?.map((volume) => ({
            id: volume.id,
            name: volumeName(volume),
            sizeGib: volume.sizeGib,
            detail: volume.image?.name ?? '–',
          }))}
          value={volumeId}
          onChange={(id) => form.setFieldValue('volumeId', id)}
          error={errorOf('volumeId')}
          none={<NoVolume />}
          note={noteBelow('volume', isCut)}
        />
      )}
      {source === 'snapshot' && (
        <ChoiceField
          title="Snapshot"
          headings={['Name', 'Size', 'Volume']}
          rows={snapshots?.map((snapshot) => ({
            id: snapshot.id,
            name: snapshotName(snapshot),
            sizeGib: snapshot.sizeGib,
            detail: snapshot.volume.name || snapshot.volume.id,
          }))}
          value={snapshotId}
          onChange={(id) => form.setFieldValue('snapshotId', id)}
          error={errorOf('snapshotId')}
          none="No snapshot of this project is of a volume that has a system."
          note={noteBelow('snapshot', isCut)}
        />
      )}
      {source === 'backup' && (
        <ChoiceField
          title="Backup"
          headings={['Name', 'Size', 'Volume']}
          rows={backups?.map((backup) => ({
            id: backup.id,
            name: backupName(backup),
            sizeGib: backup.sizeGib,
            detail: sourceName(backup),
          }))}
          value={backupId}
          onChange={(id) => form.setFieldValue('backupId', id)}
          error={errorOf('backupId')}
          none="No backup of this project is of a volume that had a system."
          note={noteBelow('backup', isCut)}
        />
      )}
    </>
  )
}

const NoVolume = () => (
  <>
    No volume of this project is free and has a system.{' '}
    <Anchor component={Link} href={`${paths.volumes}?create=1`} underline="always">
      Create one
    </Anchor>{' '}
    from an image.
  </>
)

type Row = { id: string; name: string; sizeGib: number; detail: string }

function ChoiceField({
  title,
  headings,
  rows,
  value,
  onChange,
  error,
  none,
  note,
}: {
  title: 'Volume' | 'Snapshot' | 'Backup'
  headings: readonly string[]
  /** Undefined while they are being read. */
  rows: readonly Row[] | undefined
  value: string | null
  onChange: (id: string) => void
  error: string | undefined
  none: ReactNode
  note: string
}) {
  return (
    <FormSection title={title} error={error}>
      {rows === undefined ? (
        <Text size="sm" role="status">
          Looking for {title.toLowerCase()}s…
        </Text>
      ) : rows.length === 0 ? (
        <Text size="sm">{none}</Text>
      ) : (
        <Radio.Group value={value} onChange={onChange} aria-label={title}>
          <table className={classes.choices}>
            <thead>
              <tr>
                {headings.map((heading) => (
                  <th key={heading} scope="col">
                    {heading}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {rows.map((row) => (
                <tr
                  key={row.id}
                  className={classes.choice}
                  data-chosen={row.id === value || undefined}
                  onClick={() => onChange(row.id)}
                >
                  <td className={classes.name}>
                    <Radio value={row.id} label={row.name} />
                  </td>
                  <td className={classes.number}>{gib(row.sizeGib)}</td>
                  <td>{row.detail}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </Radio.Group>
      )}
      <Stack mt="xs">
        <Text size="xs" c="dimmed">
          {note}
        </Text>
      </Stack>
    </FormSection>
  )
}
