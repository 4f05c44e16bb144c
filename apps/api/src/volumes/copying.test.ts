import { expect, test } from 'vitest'
import { volumeRestoration } from './backups/restoration.ts'
import { backupCreation } from './backups/workflows.ts'
import { copyingMs } from './copying.ts'
import { volumeImageMaking } from './images/workflows.ts'
import { volumeMigration, volumeRetyping } from './moves/workflow.ts'
import { volumeReversion } from './snapshots/workflows.ts'
import { volumeCreation } from './workflows.ts'

test('no operation that copies what a volume contains gives up earlier than the others', () => {
  const copying = [
    ...[volumeCreation, volumeReversion, volumeRetyping, volumeMigration],
    ...[backupCreation, volumeRestoration, volumeImageMaking],
  ]
  // A move may take longer, because the guest goes on writing meanwhile.
  for (const { action, deadlineMs = 0 } of copying)
    expect(deadlineMs, action).toBeGreaterThanOrEqual(copyingMs)
})
