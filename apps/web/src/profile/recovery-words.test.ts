import { expect, test } from 'vitest'
import { leftText, recoveryFile } from './recovery-words.ts'

test('a person without recovery codes reads who can help', () => {
  expect(leftText(0)).toContain('administrator')
  expect(leftText(1)).toContain('1 recovery code left')
  expect(leftText(7)).toContain('7 recovery codes left')
})

test('the file says whose codes it contains and where they are valid', () => {
  expect(recoveryFile('ann', 'cloud:8080', ['0-abcde-fghjk', '1-abcde-fghjk'])).toBe(
    'Recovery codes of ann at cloud:8080\nEach signs you in once, in the place of the six digits of your authenticator.\n\n0-abcde-fghjk\n1-abcde-fghjk\n',
  )
})
