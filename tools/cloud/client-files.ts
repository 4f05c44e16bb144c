import path from 'node:path'
import { type Places, writeAtomically } from './paths.ts'

/** Writes the files that OpenStack's clients read. Without a password (when it is not known here) the clients ask for it. */
export function writeClientFiles(where: Places, publicUrl: string, adminPassword: string | null): void {
  const auth = `${publicUrl}/identity/v3`
  const region = process.env.STRATOLITH_REGION ?? 'RegionOne'
  const variables = {
    OS_AUTH_URL: auth,
    OS_USERNAME: 'admin',
    ...(adminPassword === null ? {} : { OS_PASSWORD: adminPassword }),
    OS_PROJECT_NAME: 'admin',
    OS_USER_DOMAIN_NAME: 'Default',
    OS_PROJECT_DOMAIN_NAME: 'Default',
    OS_IDENTITY_API_VERSION: '3',
    OS_REGION_NAME: region,
  }
  const lines = Object.entries(variables).map(
    ([name, value]) => `export ${name}='${value.replaceAll("'", `'\\''`)}'`,
  )
  writeAtomically(path.join(where.data, 'admin-openrc.sh'), `${lines.join('\n')}\n`)
  const q = JSON.stringify
  const password = adminPassword === null ? '' : `      password: ${q(adminPassword)}\n`
  writeAtomically(
    path.join(where.data, 'clouds.yaml'),
    `clouds:\n  stratolith:\n    region_name: ${q(region)}\n    identity_api_version: 3\n    auth:\n      auth_url: ${q(auth)}\n      username: admin\n${password}      project_name: admin\n      user_domain_name: Default\n      project_domain_name: Default\n`,
  )
}
