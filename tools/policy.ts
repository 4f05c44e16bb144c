/**
 * npm run policy -- rules                                    every action with its rule
 * npm run policy -- explain ACTION [--user NAME] [--project NAME | --domain NAME | --system]
 *
 * Asks the running cloud, as its administrator, whether a user may do an action in a scope, and which rule decides.
 * Exits with 0 for yes, 1 for no, 2 for a question that cannot be asked. Reads OS_* like OpenStack's
 * client if they are set (admin-openrc.sh), otherwise the running cloud's own data folder.
 */
import { parseArgs } from 'node:util'
import type { ExplainView, RuleView } from '../apps/api/src/policy/contract.ts'
import { findCloud } from '../e2e/support/cloud.ts'

const usage =
  'npm run policy -- rules | explain ACTION [--user NAME] [--project NAME | --domain NAME | --system]'

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      user: { type: 'string' },
      project: { type: 'string' },
      domain: { type: 'string' },
      system: { type: 'boolean' },
    },
  })
  const [command, action] = positionals
  if (command === 'rules') return rules()
  if (command !== 'explain' || !action) throw new Error(usage)
  const query = new URLSearchParams({ action })
  if (values.user) query.set('user_id', await idOf('users', values.user))
  if (values.project) query.set('project_id', await idOf('projects', values.project))
  if (values.domain) query.set('domain_id', await idOf('domains', values.domain))
  if (values.system) query.set('system', 'all')
  const { explanation } = await get<{ explanation: ExplainView }>(`stratolith/policy/explain?${query}`)
  console.log(explanation.reason)
  console.log(`rule: ${explanation.rule} (${explanation.source})`)
  console.log(`roles there: ${explanation.roles.join(', ') || 'none'}`)
  for (const clause of explanation.clauses)
    console.log(`  ${clause.map((w) => `${w.holds ? '✓' : '✗'} ${w.word}`).join('   ')}`)
  return explanation.allowed ? 0 : 1
}

async function rules(): Promise<number> {
  const { rules } = await get<{ rules: RuleView[] }>('stratolith/policy/rules')
  for (const { action, rule, source } of rules)
    console.log(`${action.padEnd(40)} ${rule}${source === 'default' ? '' : ` (${source})`}`)
  return 0
}

/** The id of the user, project or domain with this name or id. */
async function idOf(kind: 'users' | 'projects' | 'domains', name: string): Promise<string> {
  const found = await get<Record<string, { id: string }[]>>(`${kind}?name=${encodeURIComponent(name)}`)
  const [first, second] = found[kind] ?? []
  if (second) throw new Error(`More than one of the ${kind} is called ${name}: give its id.`)
  return first?.id ?? name
}

let signedIn: { url: string; token: string } | null = null
async function get<T>(path: string): Promise<T> {
  signedIn ??= await signIn()
  const answer = await fetch(`${signedIn.url}/${path}`, { headers: { 'x-auth-token': signedIn.token } })
  const body = (await answer.json()) as T & { error?: { message: string } }
  if (!answer.ok) throw new Error(body.error?.message ?? `HTTP ${answer.status}`)
  return body
}

async function signIn(): Promise<{ url: string; token: string }> {
  const { url, name, password, project, domain } = credentials()
  const inDomain = { domain: { name: domain } }
  const answer = await fetch(`${url}/auth/tokens`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      auth: {
        identity: { methods: ['password'], password: { user: { name, password, ...inDomain } } },
        scope: { project: { name: project, ...inDomain } },
      },
    }),
  })
  const token = answer.headers.get('x-subject-token')
  if (!token) throw new Error(`${name} could not sign in at ${url} (HTTP ${answer.status}).`)
  return { url, token }
}

function credentials() {
  const { OS_AUTH_URL, OS_USERNAME, OS_PASSWORD, OS_PROJECT_NAME, OS_USER_DOMAIN_NAME } = process.env
  if (OS_AUTH_URL && OS_USERNAME && OS_PASSWORD)
    return {
      url: `${OS_AUTH_URL.replace(/(\/v3)?\/?$/, '')}/v3`,
      name: OS_USERNAME,
      password: OS_PASSWORD,
      project: OS_PROJECT_NAME ?? OS_USERNAME,
      domain: OS_USER_DOMAIN_NAME ?? 'Default',
    }
  const cloud = findCloud()
  return {
    url: `${cloud.url}/identity/v3`,
    name: 'admin',
    password: cloud.password('admin'),
    project: 'admin',
    domain: 'Default',
  }
}

try {
  process.exitCode = await main()
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 2
}
