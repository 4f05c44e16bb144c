import type { Prisma } from '@stratolith/db'
import { projectNames, roleRefs } from '../../directory/service.ts'
import type { Ctx } from '../../kernel/context.ts'
import { notFound } from '../../kernel/errors.ts'
import { exactMoment } from '../moments.ts'
import type { AccessRuleView, ApplicationCredentialView } from './contract.ts'

/** The columns that views need, without the digest of the secret. */
export const credentialColumns = {
  id: true,
  userId: true,
  name: true,
  description: true,
  expiresAt: true,
  expiresMicros: true,
  unrestricted: true,
  createdAt: true,
  projectId: true,
  roles: { select: { roleId: true } },
  accessRules: { select: { accessRule: { select: { id: true, service: true, method: true, path: true } } } },
} satisfies Prisma.ApplicationCredentialSelect
export type CredentialRow = Prisma.ApplicationCredentialGetPayload<{ select: typeof credentialColumns }>

export const toRuleView = ({ id, service, method, path }: AccessRuleView): AccessRuleView => ({
  id,
  service,
  method,
  path,
})

/** Takes two more queries, for the names of the projects and of the roles. */
export async function toCredentialViews(
  ctx: Ctx,
  rows: readonly CredentialRow[],
): Promise<ApplicationCredentialView[]> {
  const [projects, named] = await Promise.all([
    projectNames(
      ctx,
      rows.map(({ projectId }) => projectId),
    ),
    roleRefs(
      ctx,
      rows.flatMap((row) => row.roles.map(({ roleId }) => roleId)),
    ),
  ])
  return rows.map((row) => {
    const rules = row.accessRules.map((link) => toRuleView(link.accessRule))
    return {
      id: row.id,
      name: row.name,
      description: row.description,
      project: { id: row.projectId, name: projects.get(row.projectId) ?? '' },
      roles: named(row.roles.map(({ roleId }) => roleId)),
      expiresAt: exactMoment(row.expiresAt, row.expiresMicros),
      expired: row.expiresAt !== null && row.expiresAt <= new Date(),
      unrestricted: row.unrestricted,
      accessRules: rules.length === 0 ? null : rules,
      createdAt: row.createdAt.toISOString(),
    }
  })
}

export async function toCredentialView(ctx: Ctx, row: CredentialRow): Promise<ApplicationCredentialView> {
  const [view] = await toCredentialViews(ctx, [row])
  if (!view) throw notFound('application credential', row.id)
  return view
}
