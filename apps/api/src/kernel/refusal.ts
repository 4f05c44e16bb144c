/** Splits a rule into its clauses and their words. One clause of which all words hold allows the action. */
export const clausesOf = (rule: string): string[][] =>
  rule.split(/\s+or\s+/).map((clause) => clause.split(/\s+and\s+/).map((word) => word.trim()))

/**
 * The sentence that tells people why they may not do an action: it says, by the rule, who may. It names the action, so
 * that people can look it up (Admin, Policy; policy.yaml), and sends nobody to a person who could not help.
 */
export function refusal(action: string, rule: string): string {
  const clauses = clausesOf(rule)
  const roles = clauses.flatMap((words) => {
    const role = words.find((word) => word.startsWith('role:'))?.slice(5)
    const elsewhere = words.some((word) => word.startsWith('domain:') || /^scope:(system|domain)$/.test(word))
    return role === undefined || elsewhere || role === 'admin' ? [] : [role]
  })
  const who = [
    ...new Set([
      ...(clauses.some((words) => words.includes('user:own')) ? ['the user who owns it'] : []),
      ...roles.map((role) => `those with the role “${role}” in its project`),
      ...(clauses.some((words) => words.includes('domain:own')) ? ['administrators of its domain'] : []),
      ...(clauses.some((words) => words.includes('admin') || words.includes('role:admin'))
        ? ['administrators of the cloud']
        : []),
      ...(clauses.some((words) => words.includes('scope:system')) ? ['readers of the whole cloud'] : []),
    ]),
  ]
  const whom = who.length === 0 ? 'nobody like you' : listed(who)
  const ask =
    roles.length > 0 ? ' An administrator of the cloud or of your domain can give you the role.' : ''
  return `You may not do this (${action}): it is for ${whom}.${ask}`
}

const listed = (parts: string[]): string =>
  parts.length < 2 ? parts.join('') : `${parts.slice(0, -1).join(', ')} and ${parts.at(-1)}`
