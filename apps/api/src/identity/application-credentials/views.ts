import type { Prisma } from '@stratolith/db'
import { exactMoment } from '../moments.ts'
import type { AccessRuleView, ApplicationCredentialView } from './contract.ts'

/** Never the digest of the secret. */
export const credentialColumns = {
  id: true,
  userId: true,
  name: true,
  description: true,
  expiresAt: true,
  expiresMicros: true,
  unrestricted: true,
  createdAt: true,
  project: { select: { id: true, name: true } },
  roles: { select: { role: { select: { id: true, name: true, domainId: true } } } },
  accessRules: { select: { accessRule: { select: { id: true, service: true, method: true, path: true } } } },
} satisfies Prisma.ApplicationCredentialSelect
export type CredentialRow = Prisma.ApplicationCredentialGetPayload<{ select: typeof credentialColumns }>

export const toRuleView = ({ id, service, method, path }: AccessRuleView): AccessRuleView => ({
  id,
  service,
  method,
  path,
})

export function toCredentialView(row: CredentialRow): ApplicationCredentialView {
  const rules = row.accessRules.map((link) => toRuleView(link.accessRule))
  return {
    id: row.id,
    name: row.name,
    description: row.description,
    project: row.project,
    roles: row.roles.map((link) => link.role).sort((a, b) => a.name.localeCompare(b.name)),
    expiresAt: exactMoment(row.expiresAt, row.expiresMicros),
    expired: row.expiresAt !== null && row.expiresAt <= new Date(),
    unrestricted: row.unrestricted,
    accessRules: rules.length === 0 ? null : rules,
    createdAt: row.createdAt.toISOString(),
  }
}
