import { defineRoom } from '../kernel/manifest.ts'
import { useAuthenticator } from '../openstack/mount.ts'
import { withoutSlash } from '../openstack/operation.ts'
import { applicationCredentialOperations } from './application-credentials/openstack.ts'
import { applicationCredentialPolicy } from './application-credentials/policy.ts'
import { authOperations } from './auth.openstack.ts'
import { directoryReconcilers } from './backends/ldap/review.ts'
import { credentialOperations } from './credentials/openstack.ts'
import { credentialPolicy } from './credentials/policy.ts'
import { domainConfigOperations } from './domain-config/openstack.ts'
import { domainConfigRules } from './domain-config/service.ts'
import { expiry } from './expiry.ts'
import { oauthOperations } from './oauth1/openstack.ts'
import { oauthPolicy } from './oauth1/policy.ts'
import { identityDiscovery } from './openstack/discovery.ts'
import { directoryOperations } from './openstack/operations.ts'
import { storedPolicyOperations } from './policies/openstack.ts'
import { storedPolicyRules } from './policies/service.ts'
import { identityPolicy } from './policy.ts'
import { deletedDomains } from './projects/deleted-domains.ts'
import { projectDeletion } from './projects/deletion.ts'
import { identityRouter } from './router.ts'
import { anonymousCtx, authenticateRequest } from './tokens.ts'
import { trustOperations } from './trusts/openstack.ts'
import { trustPolicy } from './trusts/policy.ts'

export const identityRoom = defineRoom({
  name: 'identity',
  uses: [],
  kinds: {
    domain: {},
    project: {},
    user: {},
    group: {},
    role: {},
    session: {},
    signIn: {},
    accessRule: {},
    policy: {},
    requestToken: {},
    credential: {},
    applicationCredential: {},
    trust: {},
    consumer: {},
    access_token: {},
  },
  policy: {
    ...identityPolicy,
    ...applicationCredentialPolicy,
    ...credentialPolicy,
    ...trustPolicy,
    ...storedPolicyRules,
    ...domainConfigRules,
    ...oauthPolicy,
  },
  router: identityRouter,
  openstack: [
    {
      service: 'identity',
      facade: { prefix: '/identity', style: 'keystone', ids: 'hex', canonicalPath: withoutSlash },
      catalog: { name: 'keystone', path: '/identity/v3' },
      operations: [
        { below: [''], operations: identityDiscovery },
        {
          below: ['/v3'],
          operations: [
            ...authOperations,
            ...directoryOperations,
            ...applicationCredentialOperations,
            ...credentialOperations,
            ...trustOperations,
            ...storedPolicyOperations,
            ...domainConfigOperations,
            ...oauthOperations,
          ],
        },
      ],
    },
  ],
  workflows: [projectDeletion],
  reconcilers: [expiry, deletedDomains, ...directoryReconcilers],
  kept: [
    // Trusts that were taken back; they are as long in the history as what they were used for.
    {
      name: 'deleted trusts',
      days: (config) => config.keep.operationsDays,
      table: 'Trust',
      column: 'deletedAt',
    },
  ],
  joins() {
    useAuthenticator({ authenticate: authenticateRequest, anonymous: anonymousCtx })
  },
})
