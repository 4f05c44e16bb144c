import { expect, test } from 'vitest'
import { awaitEnd, takeAwaited } from '../kit/awaited.ts'
import { endToTell } from './end-to-tell.ts'

const event = (action: string, state: string) => ({
  ...{ kind: 'operation.updated', operationId: `op of ${action}`, resourceId: 'i' },
  data: { action, state },
})

test('a console that is opened during a reboot does not swallow the end of the reboot', () => {
  awaitEnd(['i'], { id: 'Rebooting “web”' })
  expect(endToTell(event('instance.console', 'succeeded'))).toBeNull()
  expect(endToTell(event('instance.reboot', 'running'))).toBeNull()
  expect(endToTell(event('instance.reboot', 'succeeded'))).toEqual({
    operationId: 'op of instance.reboot',
    failed: false,
  })
  expect(takeAwaited('i')).toEqual({ id: 'Rebooting “web”' })
})

test('every failure is told, also without anybody waiting; events that are not of operations are not told', () => {
  expect(endToTell(event('instance.console', 'failed'))?.failed).toBe(true)
  expect(endToTell({ ...event('instance.reboot', 'failed'), kind: 'instance.updated' })).toBeNull()
  expect(endToTell({ ...event('instance.reboot', 'failed'), operationId: null })).toBeNull()
})
