import type { ApiOperation } from '../openstack/operation.ts'
import { type Query, queryText } from '../openstack/pages.ts'
import { explainInput } from './contract.ts'
import { explain, listRules } from './service.ts'

const ours = 'Ours: OpenStack has no such call; a policy there can only be read on the server.'

/** Operations that list the rules and explain a decision, for scripts and `npm run policy`. */
export const policyOperations: ApiOperation[] = [
  {
    name: 'policy.rules',
    method: 'GET',
    path: '/stratolith/policy/rules',
    summary: 'Every action with the rule in force',
    status: 200,
    access: 'anyone',
    deviation: ours,
    handle: ({ ctx }) => ({ rules: listRules(ctx) }),
  },
  {
    name: 'policy.explain',
    method: 'GET',
    path: '/stratolith/policy/explain',
    summary: 'May a user do something in a project, domain or the system, and why',
    status: 200,
    access: 'ofUser',
    deviation: ours,
    handle: async ({ ctx, query }) => ({ explanation: await explain(ctx, inputOf(query)) }),
  },
]

function inputOf(query: Query) {
  const [projectId, domainId] = [queryText(query, 'project_id'), queryText(query, 'domain_id')]
  const system = queryText(query, 'system')
  return explainInput.parse({
    action: queryText(query, 'action'),
    userId: queryText(query, 'user_id'),
    scope:
      projectId !== undefined
        ? { projectId }
        : domainId !== undefined
          ? { domainId }
          : system === 'all' || system === 'true'
            ? { system: true }
            : undefined,
    target: targetOf(query),
  })
}

function targetOf(query: Query) {
  const names = { target_project_id: 'projectId', target_user_id: 'userId', target_domain_id: 'domainId' }
  const given = Object.entries(names).flatMap(([theirs, ours]) => {
    const value = queryText(query, theirs)
    return value === undefined ? [] : [[ours, value]]
  })
  return given.length === 0 ? undefined : Object.fromEntries(given)
}
