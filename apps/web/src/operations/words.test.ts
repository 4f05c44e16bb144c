import type { StepView } from '@stratolith/api/kernel/contract'
import { expect, test } from 'vitest'
import { eventTitle, totalMs } from './words.ts'

test('events of the audit log are sentences', () => {
  const title = (kind: string, data = {}) => eventTitle({ kind, data })
  expect(title('instance.created')).toBe('Instance created')
  expect(title('instance.password-read')).toBe('Instance password read')
  expect(title('image.downloaded')).toBe('Image downloaded')
  expect(title('session.started')).toBe('Signed in')
  expect(title('operation.begun', { action: 'instance.console' })).toBe('Open a console')
  expect(title('operation.begun', { action: 'serverGroup.create' })).toBe('Create server group')
  expect(title('operation.begun', { action: 'floatingIp.apply' })).toBe('Set up floating IP')
})

test('no step of an operation takes longer than the whole', () => {
  const at = (ms: number) => new Date(Date.UTC(2026, 10, 30) + ms).toISOString()
  const step: StepView = {
    ...{ index: 0, name: 'grow', title: 'Making it larger', state: 'done', progress: null, error: null },
    ...{ startedAt: at(0), finishedAt: at(325) },
  }
  const operation = { startedAt: at(0), finishedAt: at(318), steps: [step] }
  expect(totalMs(operation, null)).toBe(325)
  expect(totalMs({ ...operation, finishedAt: at(400) }, null)).toBe(400)
  expect(totalMs({ startedAt: null, finishedAt: null, steps: [] }, null)).toBeNull()
})
