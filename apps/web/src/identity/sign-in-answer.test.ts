import { expect, it } from 'vitest'
import { readSignInAnswer, signInAnswer, wrongSignIn } from './sign-in-answer.ts'

it.each([
  ['code', 'Type the code.', { asks: 'code', message: 'Type the code.' }],
  ['password', 'It has run out | change it.', { asks: 'password', message: 'It has run out | change it.' }],
  ['user', 'Type your name.', { asks: null, message: 'Type your name.' }],
  [null, 'Wrong.', { asks: null, message: 'Wrong.' }],
] as const)('the form reads a refusal of the field %s', (field, message, answer) => {
  expect(readSignInAnswer(signInAnswer(field, message))).toEqual(answer)
})

it('one sentence covers every reason for a refusal, including an account that must wait', () => {
  expect(readSignInAnswer(signInAnswer(null, wrongSignIn)).message).toMatch(
    /user name or the password is wrong.*wait a few minutes/,
  )
})
