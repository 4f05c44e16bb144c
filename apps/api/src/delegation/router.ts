import { z } from 'zod'
import { keystoneId } from '../directory/contract.ts'
import { procedure, router } from '../kernel/trpc.ts'
import {
  applicationCredentialInput,
  applicationCredentialListInput,
  applicationCredentialRef,
} from './application-credentials/contract.ts'
import {
  createApplicationCredential,
  deleteApplicationCredential,
  getApplicationCredential,
  listApplicationCredentials,
} from './application-credentials/service.ts'
import { ec2CredentialInput, ec2CredentialRef } from './ec2/contract.ts'
import { createEc2Credential, deleteEc2Credential, listEc2Credentials } from './ec2/service.ts'
import { trustInput, trustListInput } from './trusts/contract.ts'
import { createTrust, deleteTrust, getTrust, listTrusts } from './trusts/service.ts'

/** Procedures of the portal's profile page for delegations. */

const applicationCredentials = router({
  list: procedure
    .input(applicationCredentialListInput)
    .query(({ ctx, input }) => listApplicationCredentials(ctx.cloud, input)),
  get: procedure
    .input(applicationCredentialRef)
    .query(({ ctx, input }) => getApplicationCredential(ctx.cloud, input)),
  /** The answer has the secret, which is shown this once. */
  create: procedure
    .input(applicationCredentialInput)
    .mutation(({ ctx, input }) => createApplicationCredential(ctx.cloud, input)),
  delete: procedure
    .input(applicationCredentialRef)
    .mutation(({ ctx, input }) => deleteApplicationCredential(ctx.cloud, input)),
})

const ec2Credentials = router({
  list: procedure
    .input(z.object({ userId: keystoneId.optional() }))
    .query(({ ctx, input }) => listEc2Credentials(ctx.cloud, input)),
  create: procedure
    .input(ec2CredentialInput)
    .mutation(({ ctx, input }) => createEc2Credential(ctx.cloud, input)),
  delete: procedure
    .input(ec2CredentialRef)
    .mutation(({ ctx, input }) => deleteEc2Credential(ctx.cloud, input)),
})

const trusts = router({
  list: procedure.input(trustListInput).query(({ ctx, input }) => listTrusts(ctx.cloud, input)),
  get: procedure.input(z.object({ id: keystoneId })).query(({ ctx, input }) => getTrust(ctx.cloud, input)),
  create: procedure.input(trustInput).mutation(({ ctx, input }) => createTrust(ctx.cloud, input)),
  delete: procedure
    .input(z.object({ id: keystoneId }))
    .mutation(({ ctx, input }) => deleteTrust(ctx.cloud, input)),
})

export const delegationRouter = router({ applicationCredentials, ec2Credentials, trusts })
