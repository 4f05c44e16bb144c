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

export const directoryRoom: PortalRoom = {
  pages: [
    {
      group: 'Identity',
      label: 'Domains',
      href: paths.domains,
      help: 'directory#domains',
      icon: IconBuildingCommunity,
      create: { label: 'Create domain', href: creating(paths.domains) },
    },
    {
      group: 'Identity',
      label: 'Projects',
      href: paths.projects,
      help: 'directory#projects',
      icon: IconFolders,
      create: { label: 'Create project', href: creating(paths.projects) },
    },
    {
      group: 'Identity',
      label: 'Users',
      href: paths.users,
      help: 'directory#users',
      icon: IconUser,
      create: { label: 'Create user', href: creating(paths.users) },
    },
    {
      group: 'Identity',
      label: 'Groups',
      href: paths.groups,
      help: 'directory#groups',
      icon: IconUsers,
      create: { label: 'Create group', href: creating(paths.groups) },
    },
    {
      group: 'Identity',
      label: 'Roles',
      href: paths.roles,
      help: 'directory#roles',
      icon: IconUserShield,
      create: { label: 'Create role', href: creating(paths.roles) },
    },
    {
      group: 'Identity',
      label: 'Role assignments',
      href: paths.assignments,
      help: 'directory#role-assignments',
      icon: IconListDetails,
    },
  ],
  kinds: {
    domain: { words: 'domain', path: paths.domain, live: ['directory', 'identity'] },
    project: { words: 'project', path: paths.project, live: ['directory', 'identity', 'quota'] },
    user: { words: 'user', path: paths.user, live: ['directory', 'identity'] },
    group: { words: 'group', path: paths.group, live: ['directory', 'identity'] },
    role: { words: 'role', path: paths.role, live: ['directory', 'identity'] },
  },
}
