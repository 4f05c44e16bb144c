import { pino } from 'pino'
import { describe } from 'vitest'
import { backgroundOp } from '../op.ts'
import { createFakeVolumes } from '../volumes/fake.ts'
import { backupConformance } from './conformance.ts'
import { createFakeBackups } from './fake.ts'

const volumes = createFakeVolumes()
const driver = createFakeBackups(volumes)

describe('the fake of backups', () => {
  backupConformance(() => ({
    ...{ driver, volumes, op: backgroundOp(pino({ level: 'silent' })), uid: 1 },
    ...{ pool: { driver: 'files', id: 'local' }, store: { driver: 'folder', id: 'local' } },
  }))
})
