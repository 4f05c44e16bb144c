import type { VolumeTypeModel } from '@stratolith/db'
import { type Ctx, seesAll } from '../kernel/context.ts'
import { invalidInput, notFound } from '../kernel/errors.ts'
import { whole } from '../kernel/page.ts'
import { authorize } from '../kernel/policy.ts'
import type { VolumeTypeView } from './contract.ts'

const viewOf = ({ id, name, description, public: isPublic, isDefault }: VolumeTypeModel): VolumeTypeView => ({
  id,
  name,
  description,
  public: isPublic,
  isDefault,
})

/** Types that are not public are only for administrators. */
const seen = (ctx: Ctx) => (seesAll(ctx) ? {} : { public: true })

/** The types that a volume may have, by name. */
export async function listVolumeTypes(ctx: Ctx): Promise<VolumeTypeView[]> {
  authorize(ctx, 'volumeType:list')
  const most = 1_000
  const rows = await ctx.db.volumeType.findMany({
    where: seen(ctx),
    orderBy: { name: 'asc' },
    take: most + 1,
  })
  return whole(rows, most, 'Delete types that nobody uses.').map(viewOf)
}

/** The type with that id. Throws not_found for a type that the caller may not see. */
export async function getVolumeType(ctx: Ctx, input: { id: string }): Promise<VolumeTypeView> {
  authorize(ctx, 'volumeType:get')
  const row = await ctx.db.volumeType.findFirst({ where: { id: input.id, ...seen(ctx) } })
  if (!row) throw notFound('volume type', input.id)
  return viewOf(row)
}

/** The type with that id or name; the default type when none is named. */
export async function typeFor(ctx: Ctx, named: string | undefined): Promise<VolumeTypeModel> {
  const rows = await ctx.db.volumeType.findMany({
    where: {
      AND: [seen(ctx), named === undefined ? { isDefault: true } : { OR: [{ name: named }, ...byId(named)] }],
    },
    take: 1,
  })
  if (rows[0]) return rows[0]
  throw invalidInput(
    named === undefined ? 'No type is the default. Name one.' : `There is no volume type ${named}.`,
    'type',
  )
}

const byId = (text: string) => (/^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i.test(text) ? [{ id: text }] : [])

/** Makes the type that a new cloud has. */
export async function seedVolumeTypes(ctx: Ctx): Promise<void> {
  await ctx.db.$executeRaw`
    INSERT INTO "VolumeType" ("id", "name", "description", "isDefault")
    SELECT ${crypto.randomUUID()}::uuid, 'Standard', 'On the disk of a machine.', true
    WHERE NOT EXISTS (SELECT FROM "VolumeType") ON CONFLICT DO NOTHING`
}
