import { z } from 'zod'
import { idOf, keystoneId } from '../directory/contract.ts'
import { procedure, publicProcedure, router } from '../kernel/trpc.ts'
import { changePasswordInput, rescopeInput, sessionListInput, sessionRef, signInInput } from './contract.ts'
import { confirmEnrolmentInput, disableCodesInput } from './multi-factor/contract.ts'
import {
  beginEnrolment,
  confirmEnrolment,
  disableCodes,
  ownSecondFactor,
  resetCodes,
} from './multi-factor/enrolment.ts'
import { renewRecoveryCodes } from './multi-factor/recovery.ts'
import { changePassword, passwordRules } from './own-password.ts'
import { places, projects, rescope, session, signIn, signOut } from './service.ts'
import { listSessions, revokeAllSessions, revokeSession } from './sessions-list.ts'

const sessions = router({
  list: procedure.input(sessionListInput).query(({ ctx, input }) => listSessions(ctx.cloud, input)),
  revoke: procedure.input(sessionRef).mutation(({ ctx, input }) => revokeSession(ctx.cloud, input)),
  revokeAll: procedure
    .input(z.object({ userId: keystoneId.optional() }))
    .mutation(({ ctx, input }) => revokeAllSessions(ctx.cloud, input)),
})

const secondFactor = router({
  get: procedure.query(({ ctx }) => ownSecondFactor(ctx.cloud)),
  /** `uri` is for the QR code; `confirm` takes `enrolment` back together with a code of the app. */
  begin: procedure.mutation(({ ctx }) => beginEnrolment(ctx.cloud)),
  confirm: procedure
    .input(confirmEnrolmentInput)
    .mutation(({ ctx, input }) => confirmEnrolment(ctx.cloud, input, ctx.sourceIp)),
  disable: procedure
    .input(disableCodesInput)
    .mutation(({ ctx, input }) => disableCodes(ctx.cloud, input, ctx.sourceIp)),
  /** Ten new ones in the place of those that there were. */
  recoveryCodes: procedure
    .input(disableCodesInput)
    .mutation(({ ctx, input }) => renewRecoveryCodes(ctx.cloud, input, ctx.sourceIp)),
  /** Turns codes off by an administrator, for a user who has lost their phone. */
  reset: procedure.input(idOf).mutation(({ ctx, input }) => resetCodes(ctx.cloud, input)),
})

export const identityRouter = router({
  signIn: publicProcedure
    .input(signInInput)
    .mutation(({ ctx, input }) => signIn(ctx.anonymous, input, ctx.sourceIp)),
  session: procedure.query(({ ctx }) => session(ctx.cloud)),
  /** The caller's own projects; `places` also has domains and the system. */
  ownProjects: procedure.query(({ ctx }) => projects(ctx.cloud)),
  places: procedure.query(({ ctx }) => places(ctx.cloud)),
  rescope: procedure.input(rescopeInput).mutation(({ ctx, input }) => rescope(ctx.cloud, input)),
  signOut: procedure.mutation(({ ctx }) => signOut(ctx.cloud)),
  passwordRules: publicProcedure.query(({ ctx }) => passwordRules(ctx.anonymous)),
  /** Needs no session, because a user with an expired password has none. */
  changePassword: publicProcedure
    .input(changePasswordInput)
    .mutation(({ ctx, input }) => changePassword(ctx.anonymous, input, ctx.sourceIp)),
  sessions,
  secondFactor,
})
