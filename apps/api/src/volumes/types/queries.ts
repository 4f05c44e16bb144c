import type { z } from 'zod'
import type { Ctx } from '../../kernel/context.ts'
import type { Page, pageInput } from '../../kernel/contract.ts'
import { notFound } from '../../kernel/errors.ts'
import {
  type Ask,
  askOf,
  containing,
  pageView,
  readPage,
  type Slice,
  type Sortable,
} from '../../kernel/page.ts'
import { authorize } from '../../kernel/policy.ts'
import type { VolumeTypeView } from './contract.ts'
import { type TypeRow, usable, viewOf, withQos } from './row.ts'

const sortableTypes: Sortable = {
  name: [{ field: 'name' }],
  public: [{ field: 'public' }, { field: 'name' }],
  created: [{ field: 'createdAt' }],
}

/** Volume types as the portal lists them. */
function queryTypes(ctx: Ctx, { where, sort, page }: Ask<{ search?: string }>): Promise<Slice<TypeRow>> {
  authorize(ctx, 'volumeType:list')
  return readPage<TypeRow>(ctx.db.volumeType, {
    where: { AND: [usable(ctx), where.search ? { name: containing(where.search) } : {}] },
    ...{ sort, page, include: withQos },
    unknownMarker: (marker) => notFound('volume type', marker),
  })
}

/** A page of the types that the caller may use, by name. */
export async function pageOfTypes(
  ctx: Ctx,
  input: z.output<typeof pageInput>,
): Promise<Page<VolumeTypeView>> {
  const ask = askOf(input, sortableTypes, [{ field: 'name', dir: 'asc' }])
  const slice = await queryTypes(ctx, { where: { search: input.search }, ...ask })
  return pageView(
    slice,
    slice.rows.map((row) => viewOf(ctx, row)),
  )
}
