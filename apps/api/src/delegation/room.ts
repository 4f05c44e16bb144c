import { onProjectRightsEnding } from '../directory/service.ts'
import { useDelegations } from '../identity/service.ts'
import { defineRoom } from '../kernel/manifest.ts'
import { demandAccess } from './application-credentials/access-rules.ts'
import { applicationCredentialOperations } from './application-credentials/openstack.ts'
import { applicationCredentialPolicy } from './application-credentials/policy.ts'
import { byApplicationCredential } from './application-credentials/sign-in.ts'
import { ec2Operations } from './ec2/openstack.ts'
import { ec2Policy } from './ec2/policy.ts'
import { endDelegationsIn } from './ending.ts'
import { given } from './given.ts'
import { byOAuth, oauthOperations } from './oauth1/openstack.ts'
import { oauthPolicy } from './oauth1/policy.ts'
import { oauthExpiry } from './oauth1/signers.ts'
import { delegationRouter } from './router.ts'
import { delegationOfToken } from './token-view.ts'
import { trustOperations } from './trusts/openstack.ts'
import { trustPolicy } from './trusts/policy.ts'
import { trustsHeldBy } from './trusts/rows.ts'
import { issueByTrust } from './trusts/sign-in.ts'

/**
 * Delegation, which lets others act in a user's name: trusts, application credentials, EC2 credentials, OAuth
 * consumers.
 */
export const delegationRoom = defineRoom({
  name: 'delegation',
  uses: ['directory', 'identity'],
  kinds: {
    accessRule: {},
    requestToken: {},
    applicationCredential: {},
    trust: {},
    consumer: {},
    access_token: {},
  },
  policy: { ...applicationCredentialPolicy, ...ec2Policy, ...trustPolicy, ...oauthPolicy },
  router: delegationRouter,
  openstack: [
    {
      service: 'identity',
      operations: [
        {
          below: ['/v3'],
          operations: [
            ...applicationCredentialOperations,
            ...ec2Operations,
            ...trustOperations,
            ...oauthOperations,
          ],
        },
      ],
    },
  ],
  reconcilers: [oauthExpiry],
  kept: [
    // Deleted trusts are kept for as long as the operations that they were used for.
    {
      name: 'deleted trusts',
      days: (config) => config.keep.operationsDays,
      table: 'Trust',
      column: 'deletedAt',
    },
  ],
  joins() {
    onProjectRightsEnding(endDelegationsIn)
    useDelegations({
      given,
      trustsHeldBy,
      view: delegationOfToken,
      demandAccess,
      methods: [byApplicationCredential, byOAuth],
      issueByTrust,
    })
  },
})
