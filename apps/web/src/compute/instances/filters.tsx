'use client'
import type { FilterDef } from '../../kit/filters.ts'
import { PickOne } from '../../kit/PickOne.tsx'
import { isUuid } from '../../kit/paths.ts'
import { useTRPC } from '../../kit/trpc.ts'
import { statusFilter } from './state.ts'

/** The number of things that a filter offers; the person types to find others. */
const limit = 20

/** The filters of lists of instances; the server applies them. */
export function useInstanceFilters(allProjects: boolean): FilterDef[] {
  const { images, compute, networking } = useTRPC()
  return [
    statusFilter,
    {
      id: 'image',
      label: 'Image',
      isValue: isUuid,
      pick: (props) => (
        <PickOne
          {...props}
          noun="image"
          query={(search) => images.list.queryOptions({ limit, search, allProjects, sort: 'name' })}
        />
      ),
    },
    {
      id: 'flavor',
      label: 'Size',
      // An administrator may have chosen the ID of a flavor, so it need not be a UUID.
      isValue: (text) => text.length <= 255,
      pick: (props) => (
        <PickOne
          {...props}
          noun="flavor"
          query={(search) => compute.flavors.list.queryOptions({ limit, search })}
        />
      ),
    },
    {
      id: 'network',
      label: 'Network',
      isValue: isUuid,
      pick: (props) => (
        <PickOne
          {...props}
          noun="network"
          query={(search) =>
            networking.networks.list.queryOptions({ limit, search, allProjects, sort: 'name' })
          }
        />
      ),
    },
    { id: 'tag', label: 'Tag', isWord: isTag },
  ]
}

const isTag = (text: string): boolean => text.length <= 60 && !/[,/\p{Cc}\p{Cs}]/u.test(text)
