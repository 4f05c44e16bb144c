'use client'
import { Anchor, Box, Radio, Text, TextInput } from '@mantine/core'
import type { ImageView } from '@stratolith/api/images/contract'
import { IconSearch } from '@tabler/icons-react'
import { useState } from 'react'
import { formatName } from '../../images/format.ts'
import { bytes, gib } from '../../kit/format.ts'
import { Link } from '../../kit/navigation.tsx'
import { paths } from '../../kit/paths.ts'
import { imageDiskGib } from './defaults.ts'
import { FormSection } from './FormSection.tsx'
import classes from './launch.module.css'

/** So many images are shown without a search; when there are more, a search box appears. */
const shownAtOnce = 6

type Props = {
  images: ImageView[]
  value: string | null
  onChange: (id: string) => void
  error?: string
}

export function ImageField({ images, value, onChange, error }: Props) {
  const [search, setSearch] = useState('')
  const words = search.trim().toLowerCase()
  const found = images.filter((image) => image.name.toLowerCase().includes(words))
  const chosen = images.find((image) => image.id === value)
  const shown = words ? found.slice(0, 24) : firstWith(found, chosen)
  return (
    <FormSection
      title="Image"
      error={error}
      hint={
        images.length > shownAtOnce && (
          <TextInput
            size="xs"
            aria-label="Search images"
            placeholder={`Search ${images.length} images`}
            leftSection={<IconSearch size={14} />}
            value={search}
            onChange={(event) => setSearch(event.currentTarget.value)}
          />
        )
      }
    >
      {images.length === 0 ? (
        <Text size="sm">
          There is no image to launch from yet.{' '}
          <Anchor component={Link} href={`${paths.images}?create=1`} underline="always">
            Upload one
          </Anchor>{' '}
          (qcow2 or raw).
        </Text>
      ) : (
        <Radio.Group value={value} onChange={onChange} aria-label="Image">
          <table className={classes.choices}>
            <thead>
              <tr>
                <th scope="col">Name</th>
                {['Format', 'File', 'Disk', 'Owner'].map((heading) => (
                  <Box key={heading} component="th" scope="col" visibleFrom="xs">
                    {heading}
                  </Box>
                ))}
              </tr>
            </thead>
            <tbody>
              {shown.map((image) => (
                <ImageRow
                  key={image.id}
                  image={image}
                  chosen={image.id === value}
                  onChoose={() => onChange(image.id)}
                />
              ))}
            </tbody>
          </table>
          {shown.length === 0 && <Text size="sm">No image is called that.</Text>}
        </Radio.Group>
      )}
    </FormSection>
  )
}

function firstWith(images: ImageView[], chosen: ImageView | undefined): ImageView[] {
  const first = images.slice(0, shownAtOnce)
  return chosen && !first.includes(chosen) ? [chosen, ...first.slice(0, -1)] : first
}

function ImageRow({ image, chosen, onChoose }: { image: ImageView; chosen: boolean; onChoose: () => void }) {
  const format = image.diskFormat === null ? '–' : formatName[image.diskFormat]
  const file = bytes(image.sizeBytes ?? 0)
  const disk = gib(Math.max(1, imageDiskGib(image)))
  return (
    <tr className={classes.choice} data-chosen={chosen || undefined} onClick={onChoose}>
      <td className={classes.name}>
        <Radio
          value={image.id}
          label={image.name}
          description={
            <Text span size="xs" hiddenFrom="xs">
              {format} · {file} · disk from {disk}
            </Text>
          }
        />
      </td>
      <Box component="td" visibleFrom="xs" className={classes.number}>
        {format}
      </Box>
      <Box component="td" visibleFrom="xs" className={classes.number}>
        {file}
      </Box>
      <Box component="td" visibleFrom="xs" className={classes.number}>
        from {disk}
      </Box>
      <Box component="td" visibleFrom="xs" className={classes.number}>
        {image.own ? 'This project' : 'Public'}
      </Box>
    </tr>
  )
}
