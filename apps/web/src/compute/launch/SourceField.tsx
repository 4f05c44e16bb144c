'use client'
import { Anchor, Radio, SegmentedControl, Stack, Text } from '@mantine/core'
import type { ImageView } from '@stratolith/api/images/contract'
import type { VolumeView } from '@stratolith/api/volumes/contract'
import { gib } from '../../kit/format.ts'
import { Link } from '../../kit/navigation.tsx'
import { paths } from '../../kit/paths.ts'
import { volumeName } from '../../volumes/volume.descriptor.tsx'
import { FormSection } from './FormSection.tsx'
import { ImageField } from './ImageField.tsx'
import classes from './launch.module.css'
import type { LaunchFormApi } from './use-launch-form.ts'

type Props = {
  form: LaunchFormApi
  images: ImageView[]
  /** The volumes from which an instance can start; null while they are being read. */
  volumes: readonly VolumeView[] | null
  errorOf: (field: 'imageId' | 'volumeId') => string | undefined
}

/** The choice of what the root disk begins with: an image, or a volume that has a system already. */
export function SourceField({ form, images, volumes, errorOf }: Props) {
  const { source, imageId } = form.values
  return (
    <>
      <SegmentedControl
        aria-label="Start from"
        data={[
          { value: 'image', label: 'Start from an image' },
          { value: 'volume', label: 'Start from a volume' },
        ]}
        value={source}
        onChange={(value) => form.setFieldValue('source', value === 'volume' ? 'volume' : 'image')}
      />
      {source === 'image' ? (
        <ImageField
          images={images}
          value={imageId}
          onChange={(id) => form.setFieldValue('imageId', id)}
          error={errorOf('imageId')}
        />
      ) : (
        <VolumeField form={form} volumes={volumes} error={errorOf('volumeId')} />
      )}
    </>
  )
}

function VolumeField({
  form,
  volumes,
  error,
}: {
  form: LaunchFormApi
  volumes: Props['volumes']
  error: string | undefined
}) {
  const { volumeId } = form.values
  const choose = (id: string) => form.setFieldValue('volumeId', id)
  return (
    <FormSection title="Volume" error={error}>
      {volumes === null ? (
        <Text size="sm" role="status">
          Looking for volumes…
        </Text>
      ) : volumes.length === 0 ? (
        <Text size="sm">
          No volume of this project is free and has a system.{' '}
          <Anchor component={Link} href={`${paths.volumes}?create=1`} underline="always">
            Create one
          </Anchor>{' '}
          from an image.
        </Text>
      ) : (
        <Radio.Group value={volumeId} onChange={choose} aria-label="Volume">
          <table className={classes.choices}>
            <thead>
              <tr>
                {['Name', 'Size', 'Made from'].map((heading) => (
                  <th key={heading} scope="col">
                    {heading}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {volumes.map((volume) => (
                <tr
                  key={volume.id}
                  className={classes.choice}
                  data-chosen={volume.id === volumeId || undefined}
                  onClick={() => choose(volume.id)}
                >
                  <td className={classes.name}>
                    <Radio value={volume.id} label={volumeName(volume)} />
                  </td>
                  <td className={classes.number}>{gib(volume.sizeGib)}</td>
                  <td>{volume.image?.name ?? '–'}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </Radio.Group>
      )}
      <Stack mt="xs">
        <Text size="xs" c="dimmed">
          The instance runs on the machine on whose disk the volume lies.
        </Text>
      </Stack>
    </FormSection>
  )
}
