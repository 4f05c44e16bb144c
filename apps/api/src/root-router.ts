import { router } from './kernel/trpc.ts'

export const appRouter = router({})
export type AppRouter = typeof appRouter
