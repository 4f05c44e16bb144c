import type { Allowed } from '../kernel/contract.ts'
import type { ImageView } from './contract.ts'

/** States of images, and the actions that each state allows. Without zod, so that pages load little. */

export const imageStates = [
  'queued',
  'saving',
  'uploading',
  'importing',
  'active',
  'deactivated',
  'killed',
  'deleted',
] as const
export type ImageState = (typeof imageStates)[number]
export const imageTransitioning = (state: ImageState): boolean =>
  state === 'saving' || state === 'uploading' || state === 'importing'

/** Visibility, in this order: the image's project; projects that it names; everybody who knows the id; everybody. */
export const imageVisibilities = ['private', 'shared', 'community', 'public'] as const
export type ImageVisibility = (typeof imageVisibilities)[number]
export const memberStatuses = ['pending', 'accepted', 'rejected'] as const
export type MemberStatus = (typeof memberStatuses)[number]

/** The actions that the state of an image forbids; the policy may forbid more. */
export const imageCan = {
  upload: (image: Pick<ImageView, 'state'>): Allowed =>
    image.state === 'queued' || `Only a queued image takes data; this one is ${image.state}.`,
  launch: (image: Pick<ImageView, 'state'>): Allowed =>
    image.state === 'active' || `Only an active image can be launched; this one is ${image.state}.`,
  delete: (image: Pick<ImageView, 'state' | 'protected'>): Allowed =>
    image.protected
      ? 'This image is protected. Remove the protection first.'
      : image.state !== 'deleted' || 'It is deleted already.',
}
