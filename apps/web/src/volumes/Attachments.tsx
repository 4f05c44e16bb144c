'use client'
import { Group, Stack, Text } from '@mantine/core'
import type { VolumeView } from '@stratolith/api/volumes/contract'
import { isRootVolume } from '@stratolith/api/volumes/states'
import { Ago } from '../kit/Ago.tsx'
import { useGuarded, useRunAction } from '../kit/actions.tsx'
import { Facts } from '../ui/Fact.tsx'
import { ReasonButton } from '../ui/ReasonButton.tsx'
import { Section } from '../ui/Section.tsx'
import { InstanceLink, volumeDescriptor } from './volume.descriptor.tsx'
import { useDetachAction } from './volume-actions.tsx'

type Attached = VolumeView['attachments'][number]

/** The instances that have the volume. The title of the page detaches a volume from the only one. */
export function Attachments({ volume }: { volume: VolumeView }) {
  const { attachments } = volume
  return (
    <Section
      title="Attached to"
      description={
        volume.multiattach
          ? 'Several instances may have it at the same time. Only a file system that is made for that (GFS2, OCFS2) may be on it: others are destroyed.'
          : undefined
      }
    >
      <Stack gap="md">
        {attachments.map((attachment) => (
          <Stack key={attachment.id} gap="xs">
            <AttachmentFacts volume={volume} attachment={attachment} />
            {attachments.length > 1 && <DetachButton volume={volume} attachment={attachment} />}
          </Stack>
        ))}
      </Stack>
      {attachments.length === 0 && (
        <Text size="sm" c="dimmed">
          Nothing. Attach it to an instance to {volume.readOnly ? 'read it' : 'read and write it'}; commands
          for the guest are shown here then.
        </Text>
      )}
    </Section>
  )
}

const AttachmentFacts = ({ volume, attachment }: { volume: VolumeView; attachment: Attached }) => (
  <Facts
    items={[
      { label: 'Instance', value: <InstanceLink attachment={attachment} /> },
      { label: 'Device', value: attachment.device, copy: attachment.device },
      ...(isRootVolume(volume) ? [{ label: 'Use', value: 'The instance starts from it' }] : []),
      { label: 'Since', value: attachment.attachedAt ? <Ago iso={attachment.attachedAt} /> : '–' },
      {
        label: 'When the instance is deleted',
        value: attachment.deleteOnTermination ? 'The volume is deleted, too' : 'The volume stays',
      },
    ]}
  />
)

/** Takes the volume from that one of its instances. */
function DetachButton({ volume, attachment }: { volume: VolumeView; attachment: Attached }) {
  const run = useRunAction(volumeDescriptor)
  const detach = useGuarded<VolumeView>(volumeDescriptor.kind)(useDetachAction(attachment.instanceId))
  return (
    <Group justify="flex-end">
      <ReasonButton
        size="xs"
        variant="default"
        leftSection={detach.icon}
        allowed={detach.allowed(volume)}
        onClick={() => void run(detach, [volume])}
      >
        {`Detach from ${attachment.instanceName ?? 'the instance'}`}
      </ReasonButton>
    </Group>
  )
}
