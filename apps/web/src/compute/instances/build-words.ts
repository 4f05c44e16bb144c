import { dateTime } from '../../kit/format.ts'

/** Why there are no steps of a build. */
export const noBuildText = (adoption: { createdAt: string; actorName: string | null } | null): string =>
  adoption === null
    ? 'The record of the build is no longer kept.'
    : `It was not built here: ${adoption.actorName ?? 'the cloud'} adopted it from its host on ${dateTime(adoption.createdAt)}.`
