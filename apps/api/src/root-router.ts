import { catalogRouter } from './catalog/router.ts'
import { computeRouter } from './compute/router.ts'
import { hostsRouter } from './hosts/router.ts'
import { identityRouter } from './identity/router.ts'
import { imagesRouter } from './images/router.ts'
import { router } from './kernel/trpc.ts'
import { networkingRouter } from './networking/router.ts'
import { operationsRouter } from './operations/router.ts'
import { policyRouter } from './policy/router.ts'
import { quotaRouter } from './quota/router.ts'
import { systemRouter } from './system/router.ts'

/** Everything that the portal can ask. A room's router only binds a schema to one service call. */
export const appRouter = router({
  identity: identityRouter,
  catalog: catalogRouter,
  images: imagesRouter,
  networking: networkingRouter,
  compute: computeRouter,
  hosts: hostsRouter,
  operations: operationsRouter,
  quota: quotaRouter,
  policy: policyRouter,
  system: systemRouter,
})
export type AppRouter = typeof appRouter
