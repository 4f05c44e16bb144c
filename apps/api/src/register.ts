import { registerRooms } from './kernel/manifest.ts'
import { rooms } from './rooms.ts'

/** Makes every room known to this process, by import: main.ts, worker.ts, seed.ts and tests need them all. */
registerRooms(rooms)
