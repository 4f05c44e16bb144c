'use client'
import { PickOne, type PickProps } from '../kit/PickOne.tsx'
import { useTRPC } from '../kit/trpc.ts'

/** Pickers of things of the directory. Each searches by name among the things that the session may see. */
const limit = 30

export function UserPick({ domainId, ...props }: PickProps & { domainId?: string }) {
  const trpc = useTRPC()
  return (
    <PickOne
      label="User"
      noun="user"
      placeholder="Type a name"
      {...props}
      query={(search) => trpc.directory.users.list.queryOptions({ search, domainId, limit, sortDir: 'asc' })}
    />
  )
}

export function GroupPick({ domainId, ...props }: PickProps & { domainId?: string }) {
  const trpc = useTRPC()
  return (
    <PickOne
      label="Group"
      noun="group"
      placeholder="Type a name"
      {...props}
      query={(search) => trpc.directory.groups.list.queryOptions({ search, domainId, limit, sortDir: 'asc' })}
    />
  )
}

export function ProjectPick({ domainId, ...props }: PickProps & { domainId?: string }) {
  const trpc = useTRPC()
  return (
    <PickOne
      label="Project"
      noun="project"
      placeholder="Type a name"
      {...props}
      query={(search) =>
        trpc.directory.projects.list.queryOptions({ search, domainId, limit, sortDir: 'asc' })
      }
    />
  )
}

export function DomainPick(props: PickProps) {
  const trpc = useTRPC()
  return (
    <PickOne
      label="Domain"
      noun="domain"
      placeholder="Type a name"
      {...props}
      query={(search) => trpc.directory.domains.list.queryOptions({ search, limit, sortDir: 'asc' })}
    />
  )
}

export function RolePick(props: PickProps) {
  const trpc = useTRPC()
  return (
    <PickOne
      label="Role"
      noun="role"
      placeholder="Type a name"
      {...props}
      query={(search) => trpc.directory.roles.list.queryOptions({ search, limit, sortDir: 'asc' })}
    />
  )
}
