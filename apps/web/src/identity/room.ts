import {
  IconBuildingCommunity,
  IconFolders,
  IconListDetails,
  IconUser,
  IconUserShield,
  IconUsers,
} from '@tabler/icons-react'
import { creating, paths } from '../kit/paths.ts'
import type { PortalRoom } from '../kit/room.ts'

export const identityRoom: PortalRoom = {
  pages: [
    {
      group: 'Identity',
      label: 'Domains',
      href: paths.domains,
      icon: IconBuildingCommunity,
      create: { label: 'Create domain', href: creating(paths.domains) },
    },
    {
      group: 'Identity',
      label: 'Projects',
      href: paths.projects,
      icon: IconFolders,
      create: { label: 'Create project', href: creating(paths.projects) },
    },
    {
      group: 'Identity',
      label: 'Users',
      href: paths.users,
      icon: IconUser,
      create: { label: 'Create user', href: creating(paths.users) },
    },
    {
      group: 'Identity',
      label: 'Groups',
      href: paths.groups,
      icon: IconUsers,
      create: { label: 'Create group', href: creating(paths.groups) },
    },
    {
      group: 'Identity',
      label: 'Roles',
      href: paths.roles,
      icon: IconUserShield,
      create: { label: 'Create role', href: creating(paths.roles) },
    },
    {
      group: 'Identity',
      label: 'Role assignments',
      href: paths.assignments,
      icon: IconListDetails,
    },
  ],
  kinds: {
    domain: { words: 'domain', path: paths.domain, live: ['identity'] },
    project: { words: 'project', path: paths.project, live: ['identity', 'quota'] },
    user: { words: 'user', path: paths.user, live: ['identity'] },
    group: { words: 'group', path: paths.group, live: ['identity'] },
    role: { words: 'role', path: paths.role, live: ['identity'] },
    session: { words: 'session', live: ['identity.sessions'], eventsOnly: true },
    signIn: { live: [] },
    credential: { words: 'credential', live: ['identity.ec2Credentials'], eventsOnly: true },
    applicationCredential: {
      words: 'application credential',
      live: ['identity.applicationCredentials'],
      eventsOnly: true,
    },
    accessRule: { words: 'access rule', live: [], eventsOnly: true },
    trust: { words: 'trust', live: ['identity.trusts'], eventsOnly: true },
    consumer: { words: 'program', live: [], eventsOnly: true },
    requestToken: { words: 'request of a program', live: [], eventsOnly: true },
    access_token: { words: 'access of a program', live: [], eventsOnly: true },
    policy: { words: 'stored policy', live: [], eventsOnly: true },
  },
}
