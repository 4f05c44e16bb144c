import { pino } from 'pino'
import { expect, test } from 'vitest'
import { backgroundOp } from '../op.ts'
import { copyContent } from './across.ts'

test('a copy tells how much of it is done, so that a bar can be filled', async () => {
  const told: string[] = []
  const op = { ...backgroundOp(pino({ enabled: false })), progress: (text: string) => void told.push(text) }
  const content = {
    ...{ sizeBytes: 8 * 1024 ** 2, luks: null },
    read: async (_: number, length: number) => Buffer.alloc(length, 1),
  }
  await copyContent(op, content, { sizeBytes: content.sizeBytes, write: async () => undefined })
  expect(told).toEqual(['50 % copied', '100 % copied'])
})
