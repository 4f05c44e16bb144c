import type { PortalRoom } from '../kit/room.ts'

export const identityRoom: PortalRoom = {
  // Signing in and the switcher of projects are around the pages; what a user sets up stands on the profile.
  pages: [],
  kinds: {
    session: { words: 'session', live: ['identity.sessions'], eventsOnly: true },
    signIn: { live: [] },
    credential: { words: 'credential', live: ['delegation.ec2Credentials'], eventsOnly: true },
  },
}
