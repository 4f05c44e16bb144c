import { z } from 'zod'
import { passwordInput } from '../../directory/contract.ts'

/** The second factor at the portal. Browser-safe. */

export const codeInput = z
  .string()
  .transform((code) => code.replace(/\s/g, ''))
  .pipe(z.string().regex(/^\d{6}$/, 'The code has six digits.'))
/** `enrolment` is the value that `begin` returned, unchanged. */
export const confirmEnrolmentInput = z.object({ enrolment: z.string().min(1).max(2048), code: codeInput })
export const disableCodesInput = z.object({ password: passwordInput })

/** Shown once, as a QR code of `uri` and as text. */
export type Enrolment = { secret: string; uri: string; enrolment: string }
/** `required` says that sign-ins to this account need a code. */
export type SecondFactorView = {
  enabled: boolean
  required: boolean
  since: string | null
  /** Recovery codes that have not been used. */
  recoveryCodesLeft: number
}
/** One-time codes for whoever loses the authenticator; in this answer and nowhere else. */
export type RecoveryCodes = { recoveryCodes: string[] }
