import { onPlaceClosed, onProjectRightsEnding, onSessionsVoided } from '../directory/service.ts'
import { defineRoom } from '../kernel/manifest.ts'
import { useAuthenticator } from '../openstack/mount.ts'
import { withoutSlash } from '../openstack/operation.ts'
import { authOperations } from './auth.openstack.ts'
import { credentialOperations } from './credentials/openstack.ts'
import { credentialPolicy } from './credentials/policy.ts'
import { deleteCredentialsFor } from './credentials/service.ts'
import { expiry } from './expiry.ts'
import { identityDiscovery } from './openstack/discovery.ts'
import { ownPasswordOperations } from './openstack/own-password.ts'
import { identityPolicy } from './policy.ts'
import { identityRouter } from './router.ts'
import { anonymousCtx, authenticateRequest, deleteSessionsOf, deleteTokensAt } from './tokens.ts'

/** Identity, which answers who the caller is: sign-in, tokens and sessions, the second factor, stored secrets. */
export const identityRoom = defineRoom({
  name: 'identity',
  uses: ['directory'],
  kinds: { session: {}, signIn: {}, credential: {} },
  policy: { ...identityPolicy, ...credentialPolicy },
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
          operations: [...authOperations, ...ownPasswordOperations, ...credentialOperations],
        },
      ],
    },
  ],
  reconcilers: [expiry],
  joins() {
    useAuthenticator({ authenticate: authenticateRequest, anonymous: anonymousCtx })
    onSessionsVoided(deleteSessionsOf)
    onPlaceClosed(deleteTokensAt)
    onProjectRightsEnding(deleteCredentialsFor)
  },
})
