import { z } from 'zod'
import { keystoneId } from '../directory/contract.ts'

/** The scope in which the user would act, exactly one of the three; the scope of the caller's token when absent. */
const scope = z.union([
  z.strictObject({ projectId: keystoneId }),
  z.strictObject({ domainId: keystoneId }),
  z.strictObject({ system: z.literal(true) }),
])

export const explainInput = z.object({
  action: z.string().min(1).max(100),
  /** The user who would act; the caller when absent. */
  userId: keystoneId.optional(),
  scope: scope.optional(),
  /** The target of the action; a thing of the scope and of the user when absent. */
  target: z
    .object({
      projectId: keystoneId.optional(),
      userId: keystoneId.optional(),
      domainId: keystoneId.optional(),
      public: z.boolean().optional(),
    })
    .optional(),
})

export type RuleView = { action: string; rule: string; source: 'default' | 'policy.yaml' }
export type ExplainView = RuleView & {
  allowed: boolean
  /** One sentence that says why the action is allowed or not. */
  reason: string
  /** For each word of each clause: whether it holds. One clause of which all words hold allows the action. */
  clauses: { word: string; holds: boolean }[][]
  user: { id: string; name: string }
  scope: { kind: 'project' | 'domain' | 'system' | 'none'; id: string | null; name: string | null }
  /** The effective roles of the user in the scope. */
  roles: string[]
}
