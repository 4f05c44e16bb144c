import type { Deps } from './context.ts'
import { type Ctx, systemCtx } from './context.ts'

/** Repairs what drifts. Idempotent, takes no input, runs every `everyMs` and when signalled. */
export type Reconciler = { name: string; everyMs: number; run(ctx: Ctx): Promise<void> }

const registry = new Map<string, Reconciler>()
export function defineReconciler(reconciler: Reconciler): Reconciler {
  registry.set(reconciler.name, reconciler)
  return reconciler
}

/**
 * Runs every reconciler on its period, one run of each at a time; a failing one is logged and
 * tried again at its next period, the others go on. Returns the way to stop (waits for runs).
 */
export function startReconcilers(deps: Deps): () => Promise<void> {
  let stopped = false
  const timers = new Set<NodeJS.Timeout>()
  const running = new Set<Promise<void>>()
  const schedule = (reconciler: Reconciler, delayMs: number) => {
    if (stopped) return
    const timer = setTimeout(() => {
      timers.delete(timer)
      const ctx = systemCtx(deps, `reconcile-${reconciler.name}`)
      const run = reconciler
        .run(ctx)
        .catch((error) => ctx.log.error({ err: error, reconciler: reconciler.name }, 'reconciler failed'))
        .finally(() => {
          running.delete(run)
          schedule(reconciler, reconciler.everyMs)
        })
      running.add(run)
    }, delayMs)
    timers.add(timer)
  }
  for (const reconciler of registry.values()) schedule(reconciler, Math.min(2_000, reconciler.everyMs))
  return async () => {
    stopped = true
    for (const timer of timers) clearTimeout(timer)
    await Promise.all(running)
  }
}
