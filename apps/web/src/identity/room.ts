import type { PortalRoom } from '../kit/room.ts'

export const identityRoom: PortalRoom = {
  // The sign-in and the switcher of projects surround the pages, and the user's own settings are on the profile, so
  // this room has no pages.
  pages: [],
  kinds: {
    session: { words: 'session', live: ['identity.sessions'], eventsOnly: true },
    signIn: { live: [] },
    credential: { words: 'credential', live: ['delegation.ec2Credentials'], eventsOnly: true },
  },
}
