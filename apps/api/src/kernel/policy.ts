import fs from 'node:fs'
import path from 'node:path'
import { parse } from 'yaml'
import { z } from 'zod'
import type { Ctx } from './context.ts'
import { CloudError } from './errors.ts'

/**
 * Policy is data: action → rule. A rule is words joined by `and` and `or` (`and` binds tighter):
 *   role:admin | role:member | role:reader   an effective role of the caller
 *   project:own                               the target's project is the token's project
 *   user:own                                  the target belongs to the caller
 *   public:yes                                the target is public
 *   scope:system | scope:project              kind of the token
 *   anyone                                    every authenticated caller
 * Each room exports such a table in its policy.ts and registers it here.
 */
export type PolicyTable = Readonly<Record<string, string>>
export type Target = { projectId?: string | null; userId?: string | null; public?: boolean }

const rules = new Map<string, string>()

export function registerPolicy(table: PolicyTable): void {
  for (const [action, rule] of Object.entries(table)) rules.set(action, rule)
}
/**
 * The operator's own rules: `policy.yaml` in the data folder, a map of action → rule that replaces
 * those of the tables. Call it when every room has registered. An unknown action or word stops the
 * start with a sentence: a rule that is silently ignored would be worse.
 */
export function overridePolicy(dataDir: string): void {
  const file = path.join(dataDir, 'policy.yaml')
  if (!fs.existsSync(file)) return
  const parsed = z.record(z.string(), z.string()).safeParse(parse(fs.readFileSync(file, 'utf8')) ?? {})
  if (!parsed.success) throw new Error(`${file} must be a map of action: "rule".`)
  for (const [action, rule] of Object.entries(parsed.data)) {
    if (!rules.has(action)) throw new Error(`${file}: there is no action “${action}”.`)
    const strange = rule.split(/\s+(?:and|or)\s+/).find((word) => !words.test(word.trim()))
    if (strange !== undefined) throw new Error(`${file}: “${strange}” is no word of a rule (${action}).`)
    rules.set(action, rule)
  }
}
const words = /^(role:(admin|member|reader)|project:own|user:own|public:yes|scope:(system|project)|anyone)$/

export function ruleOf(action: string): string {
  const rule = rules.get(action)
  if (rule === undefined) throw new Error(`no policy for ${action}: add it to the room's policy.ts`)
  return rule
}

/** Is the action allowed, and which rule says so? Pure apart from the table. */
export function decide(ctx: Ctx, action: string, target: Target = {}): { allowed: boolean; rule: string } {
  const rule = ruleOf(action)
  const allowed = rule
    .split(/\s+or\s+/)
    .some((clause) => clause.split(/\s+and\s+/).every((word) => holds(ctx, word.trim(), target)))
  return { allowed, rule }
}

/** Throws `forbidden` with the rule in words. What the caller may not even see is a 404 before this. */
export function authorize(ctx: Ctx, action: string, target: Target = {}): void {
  const { allowed, rule } = decide(ctx, action, target)
  if (!allowed)
    throw new CloudError(
      'forbidden',
      `You may not do this (${action} needs: ${rule}). An administrator of the project can grant it.`,
    )
}

function holds(ctx: Ctx, word: string, target: Target): boolean {
  const [kind, value] = word.split(':', 2)
  switch (kind) {
    case 'anyone':
      return true
    case 'role':
      return ctx.roles.has(value ?? '')
    case 'project':
      return ctx.scope.kind === 'project' && target.projectId === ctx.scope.projectId
    case 'user':
      return target.userId === ctx.actor.userId
    case 'public':
      return target.public === true
    case 'scope':
      return ctx.scope.kind === value
    default:
      throw new Error(`unknown word in a policy rule: ${word}`)
  }
}
