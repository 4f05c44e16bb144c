import { describe, expect, it } from 'vitest'
import { machineMark, machineText, machineTitle } from './machine-words.ts'

describe('an instance whose machine does not answer', () => {
  it('is marked in words, and differently when its machine is declared to be off', () => {
    expect(machineMark({ absence: 'silent' })).toBe('No answer')
    expect(machineMark({ absence: 'missing' })).toBe('No answer')
    expect(machineMark({ absence: 'fenced' })).toBe('Machine off')
    expect(machineTitle({ absence: 'silent' })).not.toBe(machineTitle({ absence: 'fenced' }))
  })

  it('says that its state is the last known one, and what works nevertheless', () => {
    for (const absence of ['missing', 'silent', 'fenced'] as const)
      expect(machineText({ absence })).toContain('what was last known')
    expect(machineText({ absence: 'silent' })).toMatch(/can be deleted.*as soon as the machine answers/)
    expect(machineText({ absence: 'fenced' })).toMatch(/can be deleted.*an administrator/)
    expect(machineText({ absence: 'missing' })).toContain('is tried')
  })
})
