import { describe, expect, it } from 'vitest'
import { keyNameFrom, publicKeyProblem } from './public-key.ts'

const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ3yWFGlbdLBEPNK0jPH1VrYHXzFcdZ4qgUl9bGuwFcx me@laptop'

describe('an imported public key', () => {
  it('is one line of OpenSSH', () => {
    expect(publicKeyProblem(key)).toBeNull()
    expect(publicKeyProblem(` ${key}\n`)).toBeNull()
    expect(publicKeyProblem(`${key}\n${key}`)).toMatch(/one line/)
    expect(publicKeyProblem('ssh-ed25519')).toMatch(/not complete/)
    expect(publicKeyProblem('hello AAAA')).toMatch(/type/)
  })
  it('is never a private key', () => {
    expect(publicKeyProblem('-----BEGIN OPENSSH PRIVATE KEY-----\nabc')).toMatch(/private/)
  })
  it('suggests its comment as the name', () => {
    expect(keyNameFrom(key)).toBe('me@laptop')
    expect(keyNameFrom('ssh-rsa AAAA')).toBe('')
  })
})
