import { z } from 'zod'
import { keystoneId } from '../directory/contract.ts'

/** Where the user would act: exactly one of the three; left out: where the caller's token holds. */
const scope = z.union([
  z.strictObject({ projectId: keystoneId }),
  z.strictObject({ domainId: keystoneId }),
  z.strictObject({ system: z.literal(true) }),
])

export const explainInput = z.object({
  action: z.string().min(1).max(100),
  /** Left out: the caller. */
  userId: keystoneId.optional(),
  scope: scope.optional(),
  /** What it would be done to; left out: something of the scope itself and of the user. */
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
  /** One sentence: yes because …, no because …. */
  reason: string
  /** Clause by clause, word by word: what held. One clause that holds whole allows. */
  clauses: { word: string; holds: boolean }[][]
  user: { id: string; name: string }
  scope: { kind: 'project' | 'domain' | 'system' | 'none'; id: string | null; name: string | null }
  /** Effective roles of the user there. */
  roles: string[]
}
