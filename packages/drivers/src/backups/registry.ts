import { createBackups } from './engine.ts'
import { createFolderStore } from './folder-store.ts'

/** The driver of backups, and name of a store's driver → the function that opens a store. */
export const backupDrivers = { volumes: createBackups, folder: createFolderStore }
