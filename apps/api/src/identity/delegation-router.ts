import { z } from 'zod'
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
import { keystoneId } from './contract.ts'
import { ec2CredentialInput, ec2CredentialRef } from './credentials/contract.ts'
import { createEc2Credential, deleteEc2Credential, listEc2Credentials } from './credentials/ec2.ts'
import { confirmEnrolmentInput, disableCodesInput } from './multi-factor/contract.ts'
import { beginEnrolment, confirmEnrolment, disableCodes, secondFactor } from './multi-factor/enrolment.ts'
import { renewRecoveryCodes } from './multi-factor/recovery.ts'
import { trustInput, trustListInput } from './trusts/contract.ts'
import { createTrust, deleteTrust, getTrust, listTrusts } from './trusts/service.ts'

/** The profile page: what acts in one's name, and the second factor. */

export const applicationCredentialsRouter = router({
  list: procedure
    .input(applicationCredentialListInput)
    .query(({ ctx, input }) => listApplicationCredentials(ctx.cloud, input)),
  get: procedure
    .input(applicationCredentialRef)
    .query(({ ctx, input }) => getApplicationCredential(ctx.cloud, input)),
  /** The answer has the secret, once. */
  create: procedure
    .input(applicationCredentialInput)
    .mutation(({ ctx, input }) => createApplicationCredential(ctx.cloud, input)),
  delete: procedure
    .input(applicationCredentialRef)
    .mutation(({ ctx, input }) => deleteApplicationCredential(ctx.cloud, input)),
})

export const ec2CredentialsRouter = router({
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

export const trustsRouter = router({
  list: procedure.input(trustListInput).query(({ ctx, input }) => listTrusts(ctx.cloud, input)),
  get: procedure.input(z.object({ id: keystoneId })).query(({ ctx, input }) => getTrust(ctx.cloud, input)),
  create: procedure.input(trustInput).mutation(({ ctx, input }) => createTrust(ctx.cloud, input)),
  delete: procedure
    .input(z.object({ id: keystoneId }))
    .mutation(({ ctx, input }) => deleteTrust(ctx.cloud, input)),
})

export const secondFactorRouter = router({
  get: procedure.query(({ ctx }) => secondFactor(ctx.cloud)),
  /** `uri` is for the QR code; `confirm` takes `enrolment` back with a code of the app. */
  begin: procedure.mutation(({ ctx }) => beginEnrolment(ctx.cloud)),
  confirm: procedure
    .input(confirmEnrolmentInput)
    .mutation(({ ctx, input }) => confirmEnrolment(ctx.cloud, input)),
  disable: procedure
    .input(disableCodesInput)
    .mutation(({ ctx, input }) => disableCodes(ctx.cloud, input, ctx.sourceIp)),
  /** Ten new ones in the place of those that there were. */
  recoveryCodes: procedure
    .input(disableCodesInput)
    .mutation(({ ctx, input }) => renewRecoveryCodes(ctx.cloud, input, ctx.sourceIp)),
})
