'use client'
import { Stack, Text } from '@mantine/core'
import type { VolumeView } from '@stratolith/api/volumes/contract'
import { AsCode } from '../kit/AsCode.tsx'
import { Section } from '../ui/Section.tsx'
import { guestSteps } from './guest-commands.ts'

/** The commands by which a Linux guest uses the disk, in the order in which people need them. */
export function HowToUse({ volume }: { volume: VolumeView }) {
  return (
    <Section
      title="How to use this disk"
      description="Commands for a Linux guest. The name of the disk stays the same, whatever other disks the guest has."
    >
      <Stack gap="sm">
        {volume.multiattach && (
          <Text size="sm">
            Make and mount a file system for clusters (GFS2, OCFS2) as its manual says, also when only one
            instance has the volume now. Any other file system would be destroyed as soon as two mount it.
          </Text>
        )}
        {volume.image !== null && (
          <Text size="sm">
            It was made from an image and has partitions with file systems already: formatting would delete
            them.
          </Text>
        )}
        {guestSteps({ ...volume, device: volume.attachments[0]?.device }).map(({ title, cli }) => (
          <AsCode key={title} title={title} cli={cli} />
        ))}
      </Stack>
    </Section>
  )
}
