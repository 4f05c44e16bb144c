'use client'
import { Anchor, Badge, Group, Radio, SimpleGrid, Stack, Text, TextInput } from '@mantine/core'
import type { ImageView } from '@stratolith/api/images/contract'
import { IconSearch } from '@tabler/icons-react'
import { useState } from 'react'
import { bytes, gib } from '../../kit/format.ts'
import { Link } from '../../kit/navigation.tsx'
import { paths } from '../../kit/paths.ts'
import { imageDiskGib } from './defaults.ts'
import { FormSection } from './FormSection.tsx'

/** Without a search, so many cards are shown; a search box appears beyond it. */
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
      id="image"
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
          <SimpleGrid cols={{ base: 1, xs: 2, lg: 3 }} spacing="sm">
            {shown.map((image) => (
              <ImageCard key={image.id} image={image} />
            ))}
          </SimpleGrid>
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

function ImageCard({ image }: { image: ImageView }) {
  return (
    <Radio.Card value={image.id} p="sm" radius="md" aria-label={image.name}>
      <Group wrap="nowrap" align="flex-start" gap="sm">
        <Radio.Indicator mt={2} />
        <Stack gap={2} miw={0} flex={1}>
          <Text size="sm" fw={600} truncate title={image.name}>
            {image.name}
          </Text>
          <Text size="xs" c="dimmed">
            {image.diskFormat} · {bytes(image.sizeBytes ?? 0)} · disk from{' '}
            {gib(Math.max(1, imageDiskGib(image)))}
          </Text>
          <Group gap={4}>
            <Badge size="xs" variant="light" color={image.own ? 'blue' : 'gray'}>
              {image.own ? 'this project' : 'public'}
            </Badge>
          </Group>
        </Stack>
      </Group>
    </Radio.Card>
  )
}
