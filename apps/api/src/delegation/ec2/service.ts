import { randomBytes } from 'node:crypto'
import type { z } from 'zod'
import {
  boundBy,
  loadUser,
  projectNames,
  reachesElsewhere,
  refuseDelegation,
  refuseSecrets,
  rolesAt,
} from '../../directory/service.ts'
import { dropCredential, storeCredential } from '../../identity/credentials/service.ts'
import {
  type CredentialRow,
  credentialByAccess,
  credentialsOf,
  ec2Keys,
  openCredential,
} from '../../identity/service.ts'
import { type Ctx, projectOf } from '../../kernel/context.ts'
import { notFound } from '../../kernel/errors.ts'
import type { Ec2CredentialView, ec2CredentialInput, ec2CredentialRef } from './contract.ts'

/** Key pairs that sign requests (EC2, S3), each for one project of its user. */

/** Lists key pairs with their secrets: the caller's own, or those of any user for administrators of the cloud. */
export async function listEc2Credentials(ctx: Ctx, input: { userId?: string }): Promise<Ec2CredentialView[]> {
  const user = await loadUser(ctx, input.userId ?? ctx.actor.userId, 'identity:list_ec2_credentials')
  refuseSecrets(ctx)
  return toViews(
    ctx,
    (await credentialsOf(ctx, user.id, 'ec2')).filter(({ projectId }) => projectId !== null),
  )
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
  const row = await credentialByAccess(ctx, input.access)
  if (row?.userId !== user.id || row.type !== 'ec2') throw notFound('credential', input.access)
  return row
}

/** Makes a key pair for a project where the caller has a role; without a project, for the project of the session. */
export async function createEc2Credential(
  ctx: Ctx,
  input: z.output<typeof ec2CredentialInput>,
): Promise<Ec2CredentialView> {
  const user = await loadUser(ctx, input.userId ?? ctx.actor.userId, 'identity:create_ec2_credential')
  refuseDelegation(ctx, 'make EC2 credentials')
  const projectId = input.projectId ?? projectOf(ctx)
  const bound = boundBy(ctx, null)
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

const toView = async (ctx: Ctx, row: CredentialRow): Promise<Ec2CredentialView> => {
  const [view] = await toViews(ctx, [row])
  if (!view) throw notFound('credential', row.id)
  return view
}

async function toViews(ctx: Ctx, rows: readonly CredentialRow[]): Promise<Ec2CredentialView[]> {
  const names = await projectNames(
    ctx,
    rows.flatMap(({ projectId }) => projectId ?? []),
  )
  return rows.map((row) => {
    const { access, secret } = ec2Keys.parse(JSON.parse(openCredential(ctx, row)))
    const id = row.projectId ?? ''
    return {
      access,
      secret,
      userId: row.userId,
      project: { id, name: names.get(id) ?? '' },
      trustId: row.trustId,
      createdAt: row.createdAt.toISOString(),
    }
  })
}
