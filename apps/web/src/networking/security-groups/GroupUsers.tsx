'use client'
import type { SecurityGroupView } from '@stratolith/api/networking/contract'
import { ResourceTable } from '../../kit/ResourceTable.tsx'
import { useLook } from '../../kit/session.ts'
import { useTRPC } from '../../kit/trpc.ts'
import { Section } from '../../ui/Section.tsx'
import { portDescriptor } from '../ports/port.descriptor.tsx'

const descriptor = {
  ...portDescriptor(),
  empty: {
    title: 'Nothing uses it',
    text: 'Choose it when you launch an instance, or on one of the ports of a network.',
  },
}

/** The list of ports whose traffic this group's rules decide about. */
export function GroupUsers({ group }: { group: SecurityGroupView }) {
  const trpc = useTRPC()
  const { allProjects } = useLook(group.projectId)
  return (
    <Section title="Used by" description="Every change of a rule applies to these at once.">
      <ResourceTable
        descriptor={descriptor}
        actions={[]}
        searchable={false}
        query={(page) =>
          trpc.networking.ports.list.queryOptions({ ...page, securityGroupId: group.id, allProjects })
        }
      />
    </Section>
  )
}
