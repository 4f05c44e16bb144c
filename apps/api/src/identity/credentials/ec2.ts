import { randomBytes } from 'node:crypto'
import type { z } from 'zod'
import { type Ctx, projectOf } from '../../kernel/context.ts'
import { notFound } from '../../kernel/errors.ts'
import { boundBy, reachesElsewhere } from '../delegable.ts'
import { refuseDelegation, refuseSecrets } from '../reach.ts'
import { rolesAt } from '../roles/effective.ts'
import { loadUser } from '../users/service.ts'
import { type CredentialRow, ec2Keys } from './blobs.ts'
import type { Ec2CredentialView, ec2CredentialInput, ec2CredentialRef } from './contract.ts'
import { dropCredential, open, storeCredential } from './service.ts'

/** Key pairs that sign requests (EC2, S3), each for one project of its user. */

/** With their secrets: one’s own, or for administrators of the cloud those of a user. */
export async function listEc2Credentials(ctx: Ctx, input: { userId?: string }): Promise<Ec2CredentialView[]> {
  const user = await loadUser(ctx, input.userId ?? ctx.actor.userId, 'identity:list_ec2_credentials')
  refuseSecrets(ctx)
  const rows = await ctx.db.credential.findMany({
    where: { userId: user.id, type: 'ec2', projectId: { not: null } },
    include: { project: { select: { id: true, name: true } } },
    orderBy: { createdAt: 'asc' },
  })
  return rows.map((row) => toView(ctx, row))
}

export async function getEc2Credential(
  ctx: Ctx,
  input: z.output<typeof ec2CredentialRef>,
): Promise<Ec2CredentialView> {
  const row = await load(ctx, input, 'identity:list_ec2_credentials')
  refuseSecrets(ctx)
  return toView(ctx, row)
}

async function load(ctx: Ctx, input: z.output<typeof ec2CredentialRef>, action: string) {
  const user = await loadUser(ctx, input.userId ?? ctx.actor.userId, action)
  const row = await ctx.db.credential.findFirst({
    where: { userId: user.id, type: 'ec2', accessKey: input.access },
    include: { project: { select: { id: true, name: true } } },
  })
  if (!row) throw notFound('credential', input.access)
  return row
}

/** For a project where the caller has a role; left out: that of the session. */
export async function createEc2Credential(
  ctx: Ctx,
  input: z.output<typeof ec2CredentialInput>,
): Promise<Ec2CredentialView> {
  const user = await loadUser(ctx, input.userId ?? ctx.actor.userId, 'identity:create_ec2_credential')
  refuseDelegation(ctx, 'make EC2 credentials')
  const projectId = input.projectId ?? projectOf(ctx)
  const bound = await boundBy(ctx, null)
  const elsewhere = ctx.scope.kind !== 'project' || projectId !== ctx.scope.projectId
  if ((elsewhere && !reachesElsewhere(ctx)) || (await rolesAt(ctx, user.id, { projectId })).size === 0)
    throw notFound('project', projectId)
  const access = randomBytes(16).toString('hex')
  const secret = randomBytes(16).toString('hex')
  await storeCredential(ctx, {
    userId: user.id,
    projectId,
    type: 'ec2',
    blob: JSON.stringify({ access, secret }),
    accessKey: access,
    applicationCredentialId: bound.id,
  })
  return getEc2Credential(ctx, { userId: user.id, access })
}

export async function deleteEc2Credential(
  ctx: Ctx,
  input: z.output<typeof ec2CredentialRef>,
): Promise<Ec2CredentialView> {
  const row = await load(ctx, input, 'identity:delete_ec2_credential')
  refuseDelegation(ctx, 'delete EC2 credentials')
  await dropCredential(ctx, row)
  return toView(ctx, row)
}

type Row = CredentialRow & { project: { id: string; name: string } | null }
function toView(ctx: Ctx, row: Row): Ec2CredentialView {
  const { access, secret } = ec2Keys.parse(JSON.parse(open(ctx, row)))
  return {
    access,
    secret,
    userId: row.userId,
    project: row.project ?? { id: '', name: '' },
    trustId: row.trustId,
    createdAt: row.createdAt.toISOString(),
  }
}
