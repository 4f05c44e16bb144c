'use client'
import { Stack, Text } from '@mantine/core'
import type { VolumeView } from '@stratolith/api/volumes/contract'
import { Section } from '../ui/Section.tsx'
import { Snippet } from '../ui/Snippet.tsx'
import { guestCommands } from './guest-commands.ts'

/** The commands by which a Linux guest uses the disk, in the order in which people need them. */
export function HowToUse({ volume }: { volume: VolumeView }) {
  const commands = guestCommands(volume)
  return (
    <Section
      title="How to use this disk"
      description="Commands for a Linux guest. The name of the disk stays the same, whatever other disks the guest has."
    >
      <Stack gap="sm">
        <Snippet label="Look for it" text={commands.look} />
        {volume.image === null ? (
          <Snippet label="Format it once: this deletes what is on it" text={commands.format} />
        ) : (
          <Text size="sm">
            It was made from an image and has partitions with file systems already: formatting would delete
            them.
          </Text>
        )}
        <Snippet label="Mount it" text={commands.mount} />
        <Snippet label="Mount it at each start" text={commands.keep} />
        <Snippet label="After it was extended: let the file system grow" text={commands.grow} />
        <Snippet label="Before it is detached" text={commands.release} />
      </Stack>
    </Section>
  )
}
