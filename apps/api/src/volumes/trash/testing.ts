import type { Ctx } from '../../kernel/context.ts'
import { putInTrash, type Trash } from './trash.ts'

/** Puts a thing into the trash for a minute; other tests have no time of waiting. */
export async function inTrash(ctx: Ctx, trash: Trash, id: string): Promise<void> {
  const config = { ...ctx.deps.config, takeBackMs: 60_000 }
  await putInTrash({ ...ctx, deps: { ...ctx.deps, config } }, trash, id)
}
