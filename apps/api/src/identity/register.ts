import { registerPolicy } from '../kernel/policy.ts'
import { defineReconciler } from '../kernel/reconciler.ts'
import { useAuthenticator } from '../openstack/mount.ts'
import { addOperations, defineFacade } from '../openstack/operation.ts'
import { registerService } from '../openstack/services.ts'
import { authOperations } from './auth.openstack.ts'
import { identityDiscovery } from './openstack/discovery.ts'
import { directoryOperations } from './openstack/operations.ts'
import { identityPolicy } from './policy.ts'
import { anonymousCtx, authenticate } from './tokens.ts'

registerPolicy(identityPolicy)
useAuthenticator({
  authenticate: (deps, tokenText, request) => authenticate(deps, tokenText, request.id),
  anonymous: anonymousCtx,
})
registerService({ type: 'identity', name: 'keystone', path: '/identity/v3' })
defineFacade({ service: 'identity', prefix: '/identity', style: 'keystone', ids: 'hex' })
addOperations('identity', [''], identityDiscovery)
addOperations('identity', ['/v3'], [...authOperations, ...directoryOperations])

/** Tokens that have run out are dead already; this only keeps the table small. */
defineReconciler({
  name: 'identity.expired-tokens',
  everyMs: 60_000,
  async run(ctx) {
    await ctx.db.$executeRaw`DELETE FROM "Token" WHERE "hash" IN (
      SELECT "hash" FROM "Token" WHERE "expiresAt" < clock_timestamp() LIMIT 10000)`
  },
})
