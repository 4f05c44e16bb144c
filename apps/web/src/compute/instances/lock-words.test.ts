import { instanceCan } from '@stratolith/api/compute/states'
import { expect, test } from 'vitest'
import { asLockedFor, lockText } from './lock-words.ts'

test('the padlock’s text says what still changes, who may unlock the instance, and why it is locked', () => {
  const what =
    'nothing changes until it is unlocked, but for its name, description, tags, security groups and floating IPs. Administrators may still do everything.'
  expect(lockText({ lockedByAdmin: false, lockedReason: null })).toBe(`Locked: ${what}`)
  expect(lockText({ lockedByAdmin: true, lockedReason: 'the audit' })).toBe(
    `Locked by an administrator: ${what} Reason: the audit`,
  )
})

test('administrators may attach and detach interfaces of a locked instance', () => {
  const locked = { vmState: 'active', taskState: null, locked: true } as const
  expect(instanceCan.attach(asLockedFor(false, locked))).toBe('The instance is locked.')
  expect(instanceCan.attach(asLockedFor(true, locked))).toBe(true)
})
