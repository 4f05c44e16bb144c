import { router } from './kernel/trpc.ts'
import { rooms } from './rooms.ts'

type ByRoom = { [Room in (typeof rooms)[number] as Room['name']]: Room['router'] }
const byRoom = Object.fromEntries(rooms.map((room) => [room.name, room.router])) as ByRoom

/** All procedures of the portal. A room's router only binds a schema to one service call. */
export const appRouter = router(byRoom)
export type AppRouter = typeof appRouter
