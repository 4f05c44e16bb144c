import { expect, test } from 'vitest'
import { eventTitle } from './words.ts'

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
