import { countCodes, lockCodes } from '../../directory/service.ts'
import { type Ctx, inTransaction } from '../../kernel/context.ts'
import { open } from '../credentials/service.ts'
import { findRecoveryCode, spendRecoveryCode } from './recovery.ts'
import { stepOf } from './totp.ts'

const firstWaitMs = 15_000
const longestWaitMs = 5 * 60_000

/**
 * Tells whether the code is valid for an authenticator of the user, or is one of their recovery codes, and was not used before. After five wrong codes in a
 * row no code is accepted for a while, from any source, because everyone who tries knows the password. The user's row
 * is locked, so that codes are tried one after another and a flood of guesses counts in full (A15.4).
 */
export async function takeCode(ctx: Ctx, userId: string, code: string): Promise<boolean> {
  const { lockoutFailures } = ctx.deps.config.passwordRules
  // Hashing takes its time: nobody is held up meanwhile.
  const recovery = await findRecoveryCode(ctx, userId, code)
  return inTransaction({ ...ctx, db: ctx.deps.root }, async (tx) => {
    const user = await lockCodes(tx, userId)
    if (!user || user.waiting) return false
    const right = recovery ? await spendRecoveryCode(tx, userId, recovery) : await spend(tx, userId, code)
    const failed = right ? 0 : Math.min(user.failedCodes + 1, 1000)
    if (right && user.failedCodes === 0) return true
    const over = Math.min(failed - lockoutFailures, 10)
    const waitMs = over < 0 ? null : Math.min(firstWaitMs * 2 ** over, longestWaitMs)
    await countCodes(tx, userId, failed, waitMs)
    return right
  })
}

/** Marks the time step of the code as used; neither this step nor an earlier step is accepted again (A14.4). */
async function spend(tx: Ctx, userId: string, code: string): Promise<boolean> {
  const rows = await tx.db.credential.findMany({ where: { userId, type: 'totp' } })
  for (const row of rows) {
    const step = stepOf(open(tx, row), code)
    if (step === null) continue
    const { count } = await tx.db.credential.updateMany({
      where: { id: row.id, OR: [{ lastStep: null }, { lastStep: { lt: step } }] },
      data: { lastStep: step },
    })
    if (count === 1) return true
  }
  return false
}
