import type { VolumeTransferModel } from '@stratolith/db'
import { type Ctx, listScope } from '../../kernel/context.ts'
import { notFound } from '../../kernel/errors.ts'
import { type Ask, readPage, type Slice } from '../../kernel/page.ts'
import { authorize } from '../../kernel/policy.ts'

export type TransferWhere = { allProjects?: boolean; volumeId?: string; name?: string }

/** The offers of volumes, as the portal and OpenStack's clients list them. */
export function queryTransfers(
  ctx: Ctx,
  { where: { allProjects, ...fields }, sort, page }: Ask<TransferWhere>,
): Promise<Slice<VolumeTransferModel>> {
  const scope = listScope(ctx, { allProjects })
  authorize(ctx, 'volumeTransfer:list', scope)
  return readPage<VolumeTransferModel>(ctx.db.volumeTransfer, {
    ...{ where: { ...scope, ...fields }, sort, page },
    unknownMarker: (marker) => notFound('volume transfer', marker),
  })
}
