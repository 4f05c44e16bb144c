import { expect, test } from 'vitest'
import { notRunning } from './ssh-words.ts'

test('a guest that does not run is never shown as open for SSH', () => {
  expect(notRunning({ vmState: 'active' })).toBeNull()
  for (const vmState of ['building', 'stopped', 'paused', 'error'] as const)
    expect(notRunning({ vmState })).toMatch(/SSH answers when/)
})
