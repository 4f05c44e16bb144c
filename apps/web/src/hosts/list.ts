import type { HostView, StrayView } from '@stratolith/api/hosts/contract'
import type { ListQuery } from '../kit/list-query.ts'
import type { Trpc } from '../kit/trpc.ts'

/** A host confirms without an event, within moments, so the page asks again and again. */
export const lookAgainMs = 5_000

export const hostList: ListQuery<HostView> = (page, _, trpc) => ({
  ...trpc.hosts.list.queryOptions(page),
  refetchInterval: ({ state }) =>
    state.data?.items.some(({ unconfirmed }) => unconfirmed > 0) ? lookAgainMs : false,
})

/** The read of the list of unknown things, of all hosts or of `?host=`. */
export const strayList: ListQuery<StrayView> = (page, { kind }, { hosts }, get) =>
  hosts.strays.queryOptions({
    ...page,
    hostId: get('host') ?? undefined,
    kind: kind as StrayView['kind'] | undefined,
  })

/** The reads of what stands around the list of unknown things. */
export const strayReads = ({ hosts, images }: Trpc, get: (key: string) => string | null) => [
  hosts.brakes.queryOptions(),
  hosts.unknownTime.queryOptions(),
  hosts.trash.queryOptions({ hostId: get('host') ?? undefined }),
  images.trash.queryOptions(),
]
