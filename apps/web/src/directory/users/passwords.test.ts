import { describe, expect, it } from 'vitest'
import { newPassword, rulesInWords } from './passwords.ts'

describe('newPassword', () => {
  it('makes long passwords of plain characters, never the same twice', () => {
    const made = Array.from({ length: 50 }, () => newPassword(8))
    expect(new Set(made).size).toBe(50)
    for (const text of made) expect(text).toMatch(/^[\w-]{20}$/)
    expect(newPassword(40)).toHaveLength(40)
  })
})

describe('rulesInWords', () => {
  it('names the rules that there are', () => {
    expect(rulesInWords({ minLength: 8, history: 3, lifetimeDays: 90 })).toBe(
      'At least 8 characters; not one of the last 3; expires after 90 days.',
    )
    expect(rulesInWords({ minLength: 1, history: 0, lifetimeDays: 0 })).not.toBe('')
  })
})
