import { router } from './kernel/trpc.ts'
import { rooms } from './rooms.ts'

type ByRoom = { [Room in (typeof rooms)[number] as Room['name']]: Room['router'] }
const byRoom = Object.fromEntries(rooms.map((room) => [room.name, room.router])) as ByRoom

/** All procedures of the portal. A room's router only binds a schema to one service call. */
export const appRouter = router(byRoom)
export type AppRouter = typeof appRouter

/** How the API serves them. Calls of one batch run at the same time, so the portal sends no more either (kit/batch.ts). */
export const trpcSettings = {
  router: appRouter,
  // Queries with long inputs (a plan with user data) are sent as POST.
  allowMethodOverride: true,
  maxBatchSize: 20,
}
