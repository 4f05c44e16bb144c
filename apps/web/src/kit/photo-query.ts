/**
 * The options of a query whose answer is a photograph of what machines have: they list everything for it, so that no event
 * makes it stale. It is taken when its place opens, or with `enabled: false` when somebody asks (`refetch`).
 */
export const photoQuery = { staleTime: 'static', gcTime: 0, retry: false } as const
