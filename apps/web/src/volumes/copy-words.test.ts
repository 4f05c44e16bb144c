import type { StepView } from '@stratolith/api/kernel/contract'
import { expect, test } from 'vitest'
import { copyAmong, copyOf, copyState } from './copy-words.ts'

const step = (state: StepView['state'], progress: string | null): StepView => ({
  ...{ index: 0, name: 'copy', title: 'Copying the volume', state, progress },
  ...{ startedAt: null, finishedAt: null, error: null },
})

test('a copy says how much is done, or which step goes on', () => {
  const running = (progress: string | null) =>
    copyOf({ state: 'running', steps: [step('running', progress)] })
  expect(running('43 % copied')).toEqual({ stage: 'goes', percent: 43, text: '43 %' })
  expect(running('comparing the copy')).toEqual({ stage: 'goes', percent: null, text: 'comparing the copy' })
  expect(running(null)?.text).toBe('Copying the volume')
  expect(copyState('Moving', running('43 % copied'))).toBe('Moving 43 %')
  expect(copyState('Moving', running(null))).toBe('Moving')
})

test('a copy that waits for other operations, or is being stopped, says so', () => {
  const waiting = copyOf({ state: 'queued', steps: [step('pending', null)] })
  expect(waiting).toMatchObject({ stage: 'waits', text: expect.stringMatching(/waits for other operations/) })
  expect(copyState('Backing up', waiting)).toBe('Waiting')
  const stopping = copyOf({ state: 'undoing', steps: [step('running', '43 % copied')] })
  expect(stopping).toMatchObject({ stage: 'stops', percent: null })
  expect(copyState('Moving', stopping)).toBe('Stopping')
})

test('a snapshot that is deleted meanwhile does not hide how far a volume has moved', () => {
  const move = { resourceId: 'v', state: 'running' as const, steps: [step('running', '43 % copied')] }
  const other = { resourceId: 's', state: 'queued' as const, steps: [] }
  expect(copyAmong([other, move], 'v')).toMatchObject({ stage: 'goes', percent: 43 })
  expect(copyAmong([other], 'v')).toBeNull()
})

test('nothing is said of a copy that is over or not known yet', () => {
  expect(copyOf({ state: 'succeeded', steps: [step('done', '100 %')] })).toBeNull()
  expect(copyOf(undefined)).toBeNull()
  expect(copyState('Moving', null)).toBe('Moving')
})
