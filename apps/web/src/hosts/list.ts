import type { HostView } from '@stratolith/api/hosts/contract'
import type { ListQuery } from '../kit/list-query.ts'

/** A host confirms without an event, within moments, so the page asks again and again. */
export const lookAgainMs = 5_000

export const hostList: ListQuery<HostView> = (page, _, trpc) => ({
  ...trpc.hosts.list.queryOptions(page),
  refetchInterval: ({ state }) =>
    state.data?.items.some(({ unconfirmed }) => unconfirmed > 0) ? lookAgainMs : false,
})
