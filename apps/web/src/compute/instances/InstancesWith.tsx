'use client'
import { ResourceTable } from '../../kit/ResourceTable.tsx'
import type { RouterInputs } from '../../kit/trpc.ts'
import { useTRPC } from '../../kit/trpc.ts'
import { instanceDescriptor } from './descriptor.tsx'

type Which = Pick<RouterInputs['compute']['instances']['list'], 'keyName' | 'imageId' | 'allProjects'>

/** The instances that use a thing, for a tab of the thing's page. `none` says that there are no such instances. */
export function InstancesWith({ which, none }: { which: Which; none: string }) {
  const trpc = useTRPC()
  return (
    <ResourceTable
      descriptor={{ ...instanceDescriptor, empty: { title: 'No instances', text: none } }}
      query={(page) => trpc.compute.instances.list.queryOptions({ ...page, ...which })}
    />
  )
}
