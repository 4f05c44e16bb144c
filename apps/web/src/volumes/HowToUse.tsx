'use client'
import { Stack, Text } from '@mantine/core'
import type { VolumeView } from '@stratolith/api/volumes/contract'
import { AsCode } from '../kit/AsCode.tsx'
import { Section } from '../ui/Section.tsx'
import { guestCommands } from './guest-commands.ts'

/** The commands by which a Linux guest uses the disk, in the order in which people need them. */
export function HowToUse({ volume }: { volume: VolumeView }) {
  const commands = guestCommands({ ...volume, device: volume.attachments[0]?.device })
  return (
    <Section
      title="How to use this disk"
      description="Commands for a Linux guest. The name of the disk stays the same, whatever other disks the guest has."
    >
      <Stack gap="sm">
        <AsCode title="Look for it" cli={commands.look} />
        {volume.image === null ? (
          <AsCode title="Format it once: this deletes what is on it" cli={commands.format} />
        ) : (
          <Text size="sm">
            It was made from an image and has partitions with file systems already: formatting would delete
            them.
          </Text>
        )}
        <AsCode title="Mount it" cli={commands.mount} />
        <AsCode title="Mount it at each start" cli={commands.keep} />
        <AsCode title="After it was extended: let the file system grow" cli={commands.grow} />
        <AsCode title="Before it is detached" cli={commands.release} />
      </Stack>
    </Section>
  )
}
