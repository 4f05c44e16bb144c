import { expect, test } from 'vitest'
import { notRunning } from './ssh-words.ts'

test('nobody is told that the way to a guest is open that does not run', () => {
  expect(notRunning({ vmState: 'active' })).toBeNull()
  for (const vmState of ['building', 'stopped', 'paused', 'error'] as const)
    expect(notRunning({ vmState })).toMatch(/SSH answers when/)
})
