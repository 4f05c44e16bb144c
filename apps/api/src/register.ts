import { registerRooms } from './kernel/manifest.ts'
import { rooms } from './rooms.ts'

/** Importing this file registers all rooms in this process: main.ts, worker.ts, seed.ts and tests need them. */
registerRooms(rooms)
