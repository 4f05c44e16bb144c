import fs from 'node:fs'
import path from 'node:path'
import type { Logger } from 'pino'
import { z } from 'zod'
import { type Ctx, isAdmin } from './context.ts'
import { CloudError } from './errors.ts'
import { onDemand } from './on-demand.ts'
import { clausesOf, refusal } from './refusal.ts'

/**
 * The policy of a room: action → rule. A rule consists of clauses joined by `or`, and a clause of words joined by `and`:
 *   admin                                     cloud administrator: role admin on a project or the system
 *   role:member | role:reader | role:<name>   an effective role of the caller in the token's scope
 *   project:own                               the target's project is the token's project
 *   user:own                                  the target belongs to the caller
 *   domain:own                                the target belongs to the domain that the token is scoped to
 *   scope:system | scope:domain | scope:project   the kind of the token's scope
 *   public:yes                                the target is public
 *   anyone                                    every authenticated caller
 * A role on a domain counts only in a clause with `domain:own` or `scope:domain`, so that
 * the administrator of a domain has no rights elsewhere. Each room registers the table in its policy.ts.
 */
export type PolicyTable = Readonly<Record<string, string>>
export type Target = {
  projectId?: string | null
  userId?: string | null
  domainId?: string | null
  public?: boolean
}
export type RuleSource = 'default' | 'policy.yaml'

const yaml = onDemand<typeof import('yaml')>('yaml')

const defaults = new Map<string, string>()
let overrides: ReadonlyMap<string, string> = new Map()

export function registerPolicy(table: PolicyTable): void {
  for (const [action, rule] of Object.entries(table)) defaults.set(action, rule)
}

/**
 * Reads the operator's own rules: `policy.yaml` in the data folder, a map of action → rule that replaces
 * rules of the tables. Call it after all rooms have registered. An unknown action or word throws an error
 * and changes nothing, because a rule that is silently ignored would be worse.
 */
export function overridePolicy(dataDir: string): void {
  const file = path.join(dataDir, 'policy.yaml')
  overrides = fs.existsSync(file) ? readOverrides(file) : new Map()
}

/**
 * Applies policy.yaml now (which may throw) and again within about a second whenever it changes.
 * A mistake in the changed file is logged, and the previous rules stay. Returns the function that stops this.
 */
export function watchPolicy(dataDir: string, log: Logger): () => void {
  const file = path.join(dataDir, 'policy.yaml')
  const stateOf = () => {
    const stat = fs.statSync(file, { bigint: true, throwIfNoEntry: false })
    return stat && `${stat.ino} ${stat.size} ${stat.ctimeNs}`
  }
  // The state is taken before the file is read, so that a change in between is noticed in the next second.
  let seen = stateOf()
  overridePolicy(dataDir)
  const reload = () => {
    try {
      const now = stateOf()
      if (now === seen) return
      seen = now
      overridePolicy(dataDir)
      log.info({ file, rules: overrides.size }, 'the policy was read again')
    } catch (error) {
      log.error({ err: error }, 'policy.yaml has a mistake; the rules before it stay in force')
    }
  }
  // Polling also notices an editor that replaces the file, and a file that is made later.
  const timer = setInterval(reload, 1000).unref()
  return () => clearInterval(timer)
}

function readOverrides(file: string): Map<string, string> {
  const parsed = z.record(z.string(), z.string()).safeParse(yaml().parse(fs.readFileSync(file, 'utf8')) ?? {})
  if (!parsed.success) throw new Error(`${file} must be a map of action: "rule".`)
  for (const [action, rule] of Object.entries(parsed.data)) {
    if (!defaults.has(action)) throw new Error(`${file}: there is no action “${action}”.`)
    const strange = clausesOf(rule)
      .flat()
      .find((word) => !words.test(word))
    if (strange !== undefined)
      throw new Error(`${file}: the rule of ${action} has an unknown word “${strange}”.`)
  }
  return new Map(Object.entries(parsed.data))
}
const words =
  /^(admin|role:[a-z0-9_.-]{1,64}|project:own|user:own|domain:own|public:yes|scope:(system|domain|project)|anyone)$/i

/** All actions with their present rules, ordered by name. */
export function allRules(): { action: string; rule: string; source: RuleSource }[] {
  return [...defaults.keys()].sort().map((action) => ({ action, ...ruleOf(action) }))
}

export function ruleOf(action: string): { rule: string; source: RuleSource } {
  const own = overrides.get(action)
  if (own !== undefined) return { rule: own, source: 'policy.yaml' }
  const rule = defaults.get(action)
  if (rule === undefined) throw new Error(`no policy for ${action}: add it to the room's policy.ts`)
  return { rule, source: 'default' }
}

export type Decision = {
  allowed: boolean
  rule: string
  source: RuleSource
  /** For each word of each clause: whether it holds. One clause of which all words hold allows the action. */
  clauses: { word: string; holds: boolean }[][]
}

/** The part of a Ctx that rules look at. */
export type Asker = Pick<Ctx, 'actor' | 'scope' | 'roles'>

/** Decides whether the action is allowed, and which words of the rule hold. Depends only on its arguments and the tables. */
export function decide(asker: Asker, action: string, target: Target = {}): Decision {
  const { rule, source } = ruleOf(action)
  const clauses = clausesOf(rule).map((clause) =>
    clause.map((word) => ({ word, holds: holds(asker, word, target, clause) })),
  )
  return { allowed: clauses.some((clause) => clause.every((w) => w.holds)), rule, source, clauses }
}

/** Throws `forbidden` with the rule in words. The caller's right to see the target must have been checked before (404). */
export function authorize(ctx: Ctx, action: string, target: Target = {}): void {
  const { allowed, rule } = decide(ctx, action, target)
  if (!allowed)
    throw new CloudError('forbidden', refusal(action, rule), { detail: `${action} needs: ${rule}` })
}

function holds(asker: Asker, word: string, target: Target, clause: string[]): boolean {
  const { scope, roles, actor } = asker
  const [kind, value = ''] = word.split(':', 2)
  switch (kind) {
    case 'anyone':
      return true
    case 'admin':
      return isAdmin(asker)
    case 'role':
      return roles.has(value) && (scope.kind !== 'domain' || clause.some((w) => ofDomains.has(w)))
    case 'project':
      return scope.kind === 'project' && target.projectId === scope.projectId
    case 'domain':
      return scope.kind === 'domain' && target.domainId === scope.domainId
    case 'user':
      return target.userId === actor.userId
    case 'public':
      return target.public === true
    case 'scope':
      return scope.kind === value
    default:
      throw new Error(`unknown word in a policy rule: ${word}`)
  }
}
const ofDomains = new Set(['domain:own', 'scope:domain'])
