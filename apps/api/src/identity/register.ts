import { registerPolicy } from '../kernel/policy.ts'
import { defineReconciler } from '../kernel/reconciler.ts'
import { keepFor } from '../kernel/retention.ts'
import { useAuthenticator } from '../openstack/mount.ts'
import { addOperations, defineFacade, withoutSlash } from '../openstack/operation.ts'
import { registerService } from '../openstack/services.ts'
import { applicationCredentialOperations } from './application-credentials/openstack.ts'
import { applicationCredentialPolicy } from './application-credentials/policy.ts'
import { authOperations } from './auth.openstack.ts'
import { credentialOperations } from './credentials/openstack.ts'
import { credentialPolicy } from './credentials/policy.ts'
import { domainConfigOperations } from './domain-config/openstack.ts'
import { domainConfigRules } from './domain-config/service.ts'
import { dropOldLimits } from './limits.ts'
import { dropExpiredReceipts } from './multi-factor/receipts.ts'
import { oauthOperations } from './oauth1/openstack.ts'
import { oauthPolicy } from './oauth1/policy.ts'
import { dropOldOAuth } from './oauth1/signers.ts'
import { identityDiscovery } from './openstack/discovery.ts'
import { directoryOperations } from './openstack/operations.ts'
import { storedPolicyOperations } from './policies/openstack.ts'
import { storedPolicyRules } from './policies/service.ts'
import { identityPolicy } from './policy.ts'
import { anonymousCtx, authenticateRequest } from './tokens.ts'
import { trustOperations } from './trusts/openstack.ts'
import { trustPolicy } from './trusts/policy.ts'

registerPolicy(identityPolicy)
registerPolicy({
  ...applicationCredentialPolicy,
  ...credentialPolicy,
  ...trustPolicy,
  ...storedPolicyRules,
  ...domainConfigRules,
  ...oauthPolicy,
})
useAuthenticator({
  authenticate: authenticateRequest,
  anonymous: anonymousCtx,
})
registerService({ type: 'identity', name: 'keystone', path: '/identity/v3' })
defineFacade({
  service: 'identity',
  prefix: '/identity',
  style: 'keystone',
  ids: 'hex',
  canonicalPath: withoutSlash,
})
addOperations('identity', [''], identityDiscovery)
addOperations('identity', ['/v3'], [...authOperations, ...directoryOperations])
addOperations(
  'identity',
  ['/v3'],
  [
    ...applicationCredentialOperations,
    ...credentialOperations,
    ...trustOperations,
    ...storedPolicyOperations,
    ...domainConfigOperations,
    ...oauthOperations,
  ],
)

/** Trusts that were taken back; they are as long in the history as what they were used for. */
keepFor({
  name: 'deleted trusts',
  days: (config) => config.keep.operationsDays,
  table: 'Trust',
  column: 'deletedAt',
})

/** Tokens that have run out are dead already; this only keeps the tables small. */
defineReconciler({
  name: 'identity.expired-tokens',
  everyMs: 60_000,
  async run(ctx) {
    await ctx.db.$executeRaw`DELETE FROM "Token" WHERE "hash" IN (
      SELECT "hash" FROM "Token" WHERE "expiresAt" < clock_timestamp() LIMIT 10000)`
    await dropExpiredReceipts(ctx)
    await dropOldOAuth(ctx)
    await dropOldLimits(ctx.deps)
  },
})
