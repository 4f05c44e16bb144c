import { DriverError } from '../errors.ts'
import type { BackupDriver } from './interface.ts'

const refuse = async (): Promise<never> => {
  throw new DriverError('unsupported', 'This host has no store for backups.')
}

/** The driver of a host that reaches no store. */
export const noBackups: BackupDriver = {
  probeStore: refuse,
  ensureBackup: refuse,
  removeBackup: refuse,
  getBackup: refuse,
  restoreBackup: refuse,
}
