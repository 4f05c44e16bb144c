import { registerPolicy } from '../kernel/policy.ts'
import { defineReconciler } from '../kernel/reconciler.ts'
import { mountFacade, useAuthenticator } from '../openstack/mount.ts'
import { registerService } from '../openstack/services.ts'
import { identityRoutes } from './openstack.ts'
import { identityPolicy } from './policy.ts'
import { authenticate } from './tokens.ts'

registerPolicy(identityPolicy)
useAuthenticator(authenticate)
registerService({ type: 'identity', name: 'keystone', path: '/identity/v3' })
mountFacade({ prefix: '/identity', style: 'keystone', routes: identityRoutes })

/** Tokens that have run out are dead already; this only keeps the table small. */
defineReconciler({
  name: 'identity.expired-tokens',
  everyMs: 60_000,
  async run(ctx) {
    await ctx.db.$executeRaw`DELETE FROM "Token" WHERE "hash" IN (
      SELECT "hash" FROM "Token" WHERE "expiresAt" < clock_timestamp() LIMIT 10000)`
  },
})
