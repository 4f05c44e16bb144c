import { z } from 'zod'
import { keystoneId } from '../directory/contract.ts'
import type { QuotaName, QuotaPart, QuotaResource } from '../kernel/contract.ts'
import { isQuotaName } from '../kernel/quota.ts'

/** A limit; -1 means unlimited. The database stores 32 bits. */
export const limit = z.int('A limit is a whole number.').min(-1, '-1 means unlimited.').max(2_147_483_647)
/** The name of a resource or of a part. It is checked when the schema is used, because rooms register their resources after the schema is made. */
const resource = z.custom<QuotaName>(isQuotaName, 'Nothing of this name is counted here.')
/** Resource → limit, or null to go back to the cloud's default. */
const limits = z.partialRecord(resource, limit.nullable())

export const quotaGetInput = z.object({ projectId: keystoneId.optional() })
export const quotaSetInput = z.object({
  projectId: keystoneId,
  limits,
  /** Whether a limit may be below the present use: the project keeps what it has and gets nothing new. */
  force: z.boolean().default(false),
})
export const quotaDefaultsInput = z.object({ limits })

export type QuotaLimits = Partial<Record<QuotaName, number | null>>
/** The limit and the use of a part of a resource, such as the volumes of one type. */
export type QuotaPartView = {
  name: QuotaPart
  of: QuotaResource
  part: { id: string; name: string }
  limit: number
  used: number
}
export type QuotaDefaultView = { resource: QuotaResource; limit: number; builtIn: number }
