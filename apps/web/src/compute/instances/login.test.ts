import { expect, it } from 'vitest'
import { loginOf, sshCommand } from './login.ts'

it('the user name comes from the image, and only as a guess from the image’s name', () => {
  expect(loginOf('tiny', 'Ubuntu 24.04', null)).toEqual({ user: 'tiny', sure: true })
  expect(loginOf(null, 'Tiny', 'A small Linux. Log in as “tiny”.')).toEqual({ user: 'tiny', sure: true })
  expect(loginOf(null, 'x', 'User: admin, password: secret')).toEqual({ user: 'admin', sure: true })
  expect(loginOf(null, 'Ubuntu 24.04 LTS', 'Server image')).toEqual({ user: 'ubuntu', sure: false })
  expect(loginOf(null, 'windows', 'for users of office')).toBeNull()
})

it('the command names the key file', () => {
  expect(sshCommand({ user: 'tiny', sure: true }, '10.0.0.4', 'laptop.pem')).toBe(
    'ssh -i laptop.pem tiny@10.0.0.4',
  )
  expect(sshCommand(null, '10.0.0.4', null)).toBe('ssh USER@10.0.0.4')
})
