import { shellWord } from '../kit/shell.ts'

export type CloudPlace = {
  authUrl: string
  region: string
  user: { name: string; domain: string }
  project: { name: string; id: string } | null
  /** The domain of the session, when its scope is a domain. */
  domain: { name: string } | null
  system: boolean
}

/**
 * Returns openrc.sh for a POSIX shell (`source openrc.sh`). The script asks for the password, which no file contains.
 */
export function openrc({ authUrl, region, user, project, domain, system }: CloudPlace): string {
  const variables: [string, string][] = [
    ['OS_AUTH_URL', authUrl],
    ['OS_IDENTITY_API_VERSION', '3'],
    ['OS_REGION_NAME', region],
    ['OS_USERNAME', user.name],
    ['OS_USER_DOMAIN_NAME', user.domain],
    ...scopeVariables({ project, domain, system }),
  ]
  const others = ['OS_PROJECT_ID', 'OS_PROJECT_NAME', 'OS_DOMAIN_NAME', 'OS_SYSTEM_SCOPE', 'OS_TOKEN']
  const set = new Set(variables.map(([name]) => name))
  return [
    '# Use it with: source openrc.sh',
    `unset ${others.filter((name) => !set.has(name)).join(' ')}`,
    ...variables.map(([name, value]) => `export ${name}=${shellWord(value)}`),
    `printf 'Password of %s: ' "$OS_USERNAME" >&2`,
    'stty -echo 2>/dev/null',
    'read -r OS_PASSWORD',
    'stty echo 2>/dev/null',
    'echo >&2',
    'export OS_PASSWORD',
    '',
  ].join('\n')
}

function scopeVariables({
  project,
  domain,
  system,
}: Pick<CloudPlace, 'project' | 'domain' | 'system'>): [string, string][] {
  if (project) return [['OS_PROJECT_ID', project.id]]
  if (domain) return [['OS_DOMAIN_NAME', domain.name]]
  return system ? [['OS_SYSTEM_SCOPE', 'all']] : []
}

/** Returns clouds.yaml without a password: the client asks for it or reads OS_PASSWORD. Every text is a JSON string. */
export function cloudsYaml({ authUrl, region, user, project, domain, system }: CloudPlace): string {
  return yamlOf(region, [
    ['auth_url', authUrl],
    ['username', user.name],
    ['user_domain_name', user.domain],
    ...(project ? ([['project_id', project.id]] as const) : []),
    ...(domain ? ([['domain_name', domain.name]] as const) : []),
    ...(system ? ([['system_scope', 'all']] as const) : []),
  ])
}

/** Returns a complete clouds.yaml: whoever has the file can sign in. */
export function credentialYaml(
  { authUrl, region }: Pick<CloudPlace, 'authUrl' | 'region'>,
  credential: { id: string; secret: string },
): string {
  return yamlOf(
    region,
    [
      ['auth_url', authUrl],
      ['application_credential_id', credential.id],
      ['application_credential_secret', credential.secret],
    ],
    'v3applicationcredential',
  )
}

const yamlOf = (region: string, auth: readonly (readonly [string, string])[], authType?: string): string =>
  [
    'clouds:',
    '  stratolith:',
    ...(authType ? [`    auth_type: ${JSON.stringify(authType)}`] : []),
    `    region_name: ${JSON.stringify(region)}`,
    '    identity_api_version: 3',
    '    auth:',
    ...auth.map(([key, value]) => `      ${key}: ${JSON.stringify(value)}`),
    '',
  ].join('\n')
