import {
  bindVolume,
  finishAttachment,
  giveKeysFirst,
  releaseVolume,
  tellAttachmentFailure,
  unbindVolume,
} from '../../volumes/service.ts'
import type { Attachment } from './attachment.ts'

/** A volume of an instance. */
export const volumeAttachment: Attachment = {
  kind: 'volume',
  input: 'volumeId',
  steps: {
    give: { name: 'plug-volume', title: 'Plugging the volume in' },
    take: { name: 'unplug-volume', title: 'Taking the volume out' },
    release: { name: 'release-volume', title: 'Making the volume available again' },
  },
  stuck:
    'The guest does not let go of the volume. Unmount it in the guest and try again, or stop the guest first.',
  always: true,
  prepare: (ctx, { hostId }, id) => giveKeysFirst(ctx, hostId, [id]),
  bind: (ctx, { id: instanceId, hostId }, id) => bindVolume(ctx, id, hostId, instanceId),
  unbind: (ctx, instanceId, id) => unbindVolume(ctx, id, instanceId),
  given: (ctx, instanceId, id) => finishAttachment(ctx, id, instanceId),
  failed: tellAttachmentFailure,
  release: (ctx, instanceId, id) => releaseVolume(ctx, id, instanceId),
}
