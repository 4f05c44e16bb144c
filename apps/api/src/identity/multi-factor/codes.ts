import { countCodes, lockCodes } from '../../directory/service.ts'
import { type Ctx, inTransaction } from '../../kernel/context.ts'
import { open } from '../credentials/service.ts'
import { findRecoveryCode, spendRecoveryCode } from './recovery.ts'
import { stepOf } from './totp.ts'

const firstWaitMs = 15_000
const longestWaitMs = 5 * 60_000

/**
 * Is it a code of one of the user's authenticators, or a recovery code, not used before? After five wrong ones in a row
 * no code is taken for a while, from nobody: whoever tries has the password. One try at a time for
 * each user, so that a flood of guesses counts in full (A15.4).
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

/** Marks the code's time step as used; neither it nor an earlier one is taken again (A14.4). */
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
