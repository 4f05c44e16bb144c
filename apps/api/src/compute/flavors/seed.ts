import type { Ctx } from '../../kernel/context.ts'

const sizes = [
  ['1', 'm1.nano', 1, 128, 1],
  ['2', 'm1.micro', 1, 256, 1],
  ['3', 'm1.tiny', 1, 512, 1],
  ['4', 'm1.small', 1, 2048, 20],
  ['5', 'm1.medium', 2, 4096, 40],
  ['6', 'm1.large', 4, 8192, 80],
] as const

/** Makes the flavors of a new cloud. Does nothing once any flavor exists, so that a deleted flavor stays deleted. */
export async function seedFlavors(ctx: Ctx): Promise<void> {
  if ((await ctx.db.flavor.count()) > 0) return
  await ctx.db.flavor.createMany({
    data: sizes.map(([id, name, vcpus, memoryMib, diskGib]) => ({ id, name, vcpus, memoryMib, diskGib })),
    skipDuplicates: true,
  })
}
