import type { z } from 'zod'
import {
  demandNoMore,
  loadUser,
  lockUser,
  refuseDelegation,
  sessionEnded,
  setFactors,
  voidTokens,
} from '../../directory/service.ts'
import type { UserOptions } from '../../directory/users/contract.ts'
import { type Ctx, inTransaction } from '../../kernel/context.ts'
import { conflict, invalidInput } from '../../kernel/errors.ts'
import { seal, unseal } from '../credentials/sealing.ts'
import { storeCredential } from '../credentials/service.ts'
import { ownToken } from '../service.ts'
import { withinThrottle } from '../sign-in.ts'
import type {
  confirmEnrolmentInput,
  disableCodesInput,
  Enrolment,
  RecoveryCodes,
  SecondFactorView,
} from './contract.ts'
import { needsCode } from './factors.ts'
import { demandOwnPassword, ownUser } from './own-user.ts'
import { forgetRecoveryCodes, keepRecoveryCodes, newRecoveryCodes, recoveryCodesLeft } from './recovery.ts'
import { newSeed, otpauthUri, stepOf } from './totp.ts'

const enrolmentMs = 15 * 60_000
const aboutEnrolment = (ctx: Ctx) => `enrolment of ${ctx.actor.userId}`
const rules = [['password', 'totp']]

/** Throws conflict for an account that asks for codes already. */
function demandNoCodes({ seeds, options }: Awaited<ReturnType<typeof ownUser>>): void {
  if (seeds.length > 0 && needsCode(options))
    throw conflict('This account asks for codes already. Turn them off first to use another app.')
}

/** Tells whether the caller's own account asks for a code. */
export async function ownSecondFactor(ctx: Ctx): Promise<SecondFactorView> {
  const user = await ownUser(ctx)
  const required = needsCode(user.options)
  const since = user.seeds[0]?.createdAt.toISOString() ?? null
  const left = await recoveryCodesLeft(ctx, user.id)
  return { enabled: required && since !== null, required, since, recoveryCodesLeft: left }
}

/** Makes a new seed for an authenticator app. Nothing is stored until the user has sent a code of the app. */
export async function beginEnrolment(ctx: Ctx): Promise<Enrolment> {
  refuseDelegation(ctx, 'set up codes')
  const user = await ownUser(ctx)
  demandNoCodes(user)
  const secret = newSeed()
  const issuer = `Stratolith ${ctx.deps.config.region}`
  const enrolment = seal(
    ctx,
    aboutEnrolment(ctx),
    JSON.stringify({ secret, until: Date.now() + enrolmentMs }),
  )
  return { secret, uri: otpauthUri(secret, user.name, issuer), enrolment }
}

/**
 * Turns codes on: from now on, the password alone does not sign in. Other sessions, which were made without a code,
 * end; the caller's session continues. The recovery codes are in this answer and nowhere else.
 */
export async function confirmEnrolment(
  ctx: Ctx,
  input: z.output<typeof confirmEnrolmentInput>,
  source: string,
): Promise<SecondFactorView & RecoveryCodes> {
  refuseDelegation(ctx, 'set up codes')
  const own = await ownToken(ctx)
  const user = await ownUser(ctx)
  const secret = readEnrolment(ctx, input.enrolment)
  const step = stepOf(secret, input.code)
  if (step === null)
    throw invalidInput('This is not the code that the app shows now. Check the time of your phone.', 'code')
  demandNoCodes(user)
  const recovery = await withinThrottle(source, newRecoveryCodes)
  await inTransaction(ctx, async (tx) => {
    await lockUser(tx, user.id)
    // Somebody else has turned codes on meanwhile, perhaps with this very enrolment.
    demandNoCodes(await ownUser(tx))
    await keepRecoveryCodes(tx, user.id, recovery)
    // Seeds of other enrolments that were never finished are deleted.
    await tx.db.credential.deleteMany({ where: { userId: user.id, type: 'totp' } })
    const made = await storeCredential(tx, {
      userId: user.id,
      projectId: null,
      type: 'totp',
      blob: secret,
      accessKey: null,
      applicationCredentialId: null,
    })
    await tx.db.credential.update({ where: { id: made.id }, data: { lastStep: step } })
    await setFactors(tx, user.id, rules)
    const chain = own.parentAuditId ?? own.auditId
    await tx.db.$executeRaw`DELETE FROM "Token"
      WHERE "userId" = ${user.id} AND "applicationCredentialId" IS NULL AND "trustId" IS NULL AND "credentialId" IS NULL
        AND COALESCE("parentAuditId", "auditId") <> ${chain}`
    await tx.db.$executeRaw`UPDATE "Token" SET "methods" = array_append("methods", 'totp')
      WHERE "userId" = ${user.id} AND NOT 'totp' = ANY("methods") AND ("auditId" = ${chain} OR "parentAuditId" = ${chain})`
    await tx.db.authReceipt.deleteMany({ where: { userId: user.id } })
    await sessionEnded(tx, { userId: user.id }, 'codes were turned on')
  })
  return { ...(await ownSecondFactor(ctx)), recoveryCodes: recovery.map(({ text }) => text) }
}

function readEnrolment(ctx: Ctx, sealed: string): string {
  const text = unseal(ctx, aboutEnrolment(ctx), sealed)
  const { secret, until } = JSON.parse(text ?? '{"until":0}') as { secret: string; until: number }
  if (until < Date.now()) throw invalidInput('The setup took too long. Begin again.', 'enrolment')
  return secret
}

/** Turns codes off, which needs the password, so that a session left open is not enough. */
export async function disableCodes(
  ctx: Ctx,
  input: z.output<typeof disableCodesInput>,
  source: string,
): Promise<SecondFactorView> {
  refuseDelegation(ctx, 'turn codes off')
  const user = await ownUser(ctx)
  await demandOwnPassword(ctx, user.id, input.password, source)
  await inTransaction(ctx, async (tx) => {
    await forgetCodes(tx, user.id)
  })
  return ownSecondFactor(ctx)
}

/**
 * Turns codes off by an administrator, for a user who has lost their phone: from now on the password is enough again.
 * Every session of the user ends, so that everyone who holds one has to prove the password.
 */
export async function resetCodes(ctx: Ctx, input: { id: string }): Promise<void> {
  const user = await loadUser(ctx, input.id, 'identity:set_password')
  await demandNoMore(ctx, user)
  refuseDelegation(ctx, 'turn codes off')
  if (!needsCode(user.options as UserOptions)) throw conflict('This user signs in without a code.')
  await inTransaction(ctx, async (tx) => {
    await forgetCodes(tx, user.id)
    await voidTokens(tx, user.id, 'codes were turned off')
  })
}

async function forgetCodes(tx: Ctx, userId: string): Promise<void> {
  await lockUser(tx, userId)
  await setFactors(tx, userId, null)
  await tx.db.credential.deleteMany({ where: { userId, type: 'totp' } })
  await forgetRecoveryCodes(tx, userId)
}
