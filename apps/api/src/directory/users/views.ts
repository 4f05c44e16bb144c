import type { Prisma } from '@stratolith/db'
import type { Extra } from '../../openstack/extra.ts'
import type { UserOptions, UserView } from './contract.ts'

/**
 * The columns of a user that leave this room; instead of the digest of the password, they say only whether there is
 * one.
 */
export const userColumns = {
  id: true,
  name: true,
  domainId: true,
  domain: { select: { name: true } },
  email: true,
  description: true,
  enabled: true,
  defaultProjectId: true,
  backend: true,
  disabledByBackend: true,
  passwordChangedAt: true,
  passwordExpiresAt: true,
  lockedUntil: true,
  lastActiveAt: true,
  options: true,
  extra: true,
  createdAt: true,
} satisfies Prisma.UserSelect
export type UserRow = Prisma.UserGetPayload<{ select: typeof userColumns }>

export function toUserView(row: UserRow): UserView {
  const options = row.options as UserOptions
  const waiting = row.lockedUntil !== null && row.lockedUntil > new Date()
  return {
    id: row.id,
    name: row.name,
    domainId: row.domainId,
    domainName: row.domain.name,
    email: row.email,
    description: row.description,
    enabled: row.enabled,
    defaultProjectId: row.defaultProjectId,
    backend: row.backend,
    hasPassword: row.backend !== 'sql' || row.passwordChangedAt !== null,
    passwordExpiresAt: options.ignore_password_expiry ? null : (row.passwordExpiresAt?.toISOString() ?? null),
    lockedUntil: waiting ? (row.lockedUntil?.toISOString() ?? null) : null,
    lastActiveAt: row.lastActiveAt?.toISOString() ?? null,
    options,
    extra: row.extra as Extra,
    createdAt: row.createdAt.toISOString(),
  }
}
