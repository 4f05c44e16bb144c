import type { Trpc } from '../kit/trpc.ts'

/** The read of the choices of the filter by domain. */
export const domainChoices = (trpc: Trpc) =>
  trpc.directory.domains.list.queryOptions({ limit: 200, sortDir: 'asc' })
