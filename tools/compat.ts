import fs from 'node:fs'
import path from 'node:path'
import '../apps/api/src/register.ts'
import {
  type Access,
  allFacades,
  allOperations,
  type Facade,
  type MountedOperation,
} from '../apps/api/src/openstack/operation.ts'
import { clientSuites } from './compat-suites.ts'

/**
 * Makes docs/openstack-compat.md from the operation table: `node tools/compat.ts` writes the file, and
 * tools/compat.test.ts fails when the file differs from the table.
 */
export const compatFile = path.join(import.meta.dirname, '../docs/openstack-compat.md')

const who: Record<Access | 'public', string> = {
  public: 'everyone, without a token',
  anyone: 'any token',
  list: 'reader',
  read: 'reader of the project',
  write: 'member of the project',
  create: 'member',
  mine: 'the user',
  ofUser: 'the user, administrators',
  ofUserWrite: 'administrator, domain administrator',
  ofDomain: 'administrator, domain administrator, system reader',
  ofDomainWrite: 'administrator, domain administrator',
  ofProject: 'its people, administrators',
  ofProjectWrite: 'administrator, domain administrator',
  ofProjectGrants: 'administrator, domain administrator, system reader',
  token: 'the user, administrator',
  admin: 'administrator',
  adminRead: 'administrator, system reader',
  domainRead: 'administrator, domain administrator, system reader',
  domainWrite: 'administrator, domain administrator',
}

export function compatDocument(): string {
  const facades = allFacades()
  const deviations = allOperations().filter((o) => o.deviation !== undefined)
  return [
    '# OpenStack compatibility',
    '',
    'Made from the operation table (`apps/api/src/openstack/operation.ts`) by `node tools/compat.ts`; do not edit.',
    'Every operation that answers is here. A service that is not listed is not in the catalog; an operation',
    "that is not listed answers the service's own 404. How each was proven: the authorization matrix, the fuzz",
    '(`apps/api/src/facade-*.test.ts`), a working day of the stock client (`e2e/openstack-client`) and a playbook',
    'with Ansible’s modules that is run twice (`e2e/ansible`).',
    '',
    '| service | address | microversions | operations |',
    '|---|---|---|---|',
    ...facades.map(overview),
    '',
    ...facades.flatMap(section),
    '## Where we differ, and why',
    '',
    ...(deviations.length === 0
      ? ['Nowhere in what is listed above.']
      : deviations.map((o) => `- **${o.facade.service}: ${signature(o)}**: ${o.deviation}`)),
    '',
    ...clientSuites,
  ].join('\n')
}

const of = (facade: Facade) => allOperations().filter((o) => o.facade === facade)
const versionText = (facade: Facade) =>
  facade.microversions ? `${facade.microversions.min.join('.')}–${facade.microversions.max.join('.')}` : '–'
const overview = (facade: Facade) =>
  `| ${facade.service} | \`${facade.prefix}\` | ${versionText(facade)} | ${of(facade).length} |`

function section(facade: Facade): string[] {
  return [
    `## ${facade.service}`,
    '',
    '| operation | what it does | who may | answers |',
    '|---|---|---|---|',
    ...of(facade).map(
      (o) => `| \`${signature(o)}\`${versions(o)} | ${o.summary} | ${who[o.access]} | ${o.status} |`,
    ),
    '',
  ]
}

const signature = (o: MountedOperation) => {
  const at = (o.below[0] + o.path).replace(/:([A-Za-z_]+)/g, '{$1}')
  return `${o.method} ${at}${o.action === undefined ? '' : ` ${o.action}`}`
}
function versions(o: MountedOperation): string {
  if (o.since === undefined && o.until === undefined) return ''
  const major = o.facade.microversions?.min[0] ?? 0
  const text = (minor: number | undefined) => (minor === undefined ? '' : `${major}.${minor}`)
  return ` (${text(o.since)}–${text(o.until)})`
}

if (process.argv[1] === import.meta.filename) fs.writeFileSync(compatFile, compatDocument())
