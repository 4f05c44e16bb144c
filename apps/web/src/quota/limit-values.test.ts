import { describe, expect, it } from 'vitest'
import { belowUse, changedLimits, limitOf, limitProblem, limitValue, typedLimit } from './limit-values.ts'

describe('limits in a form', () => {
  it.each([
    [10, 10, 'default', null],
    [20, 10, 'limit', 20],
    [0, 10, 'limit', 0],
    [-1, 10, 'unlimited', -1],
    [-1, -1, 'default', null],
  ] as const)('the limit %s with a default of %s is shown as “%s”', (limit, usual, mode, sent) => {
    const value = limitValue(limit, usual)
    expect(value.mode).toBe(mode)
    expect(limitOf(value)).toBe(sent)
  })
  it('sends only the limits that changed', () => {
    const before = { instances: limitValue(10, 10), vcpus: limitValue(4, 20) }
    expect(
      changedLimits(before, { instances: { mode: 'unlimited', limit: 10 }, vcpus: limitValue(4, 20) }),
    ).toEqual({ instances: -1 })
    expect(changedLimits(before, { ...before, vcpus: { mode: 'default', limit: 4 } })).toEqual({
      vcpus: null,
    })
  })
  it('takes an empty field for the default, or for no limit where there was none', () => {
    expect(limitOf(typedLimit('', false))).toBeNull()
    expect(limitOf(typedLimit('', true))).toBe(-1)
    expect(limitOf(typedLimit(7, true))).toBe(7)
    expect(limitProblem(typedLimit('-', false))).not.toBeNull()
    expect(limitProblem(typedLimit(-5, false))).not.toBeNull()
  })
  it('knows a limit below what is in use', () => {
    expect(belowUse(typedLimit(2, false), 3)).toBe(true)
    expect(belowUse(typedLimit(3, false), 3)).toBe(false)
    expect(belowUse(typedLimit('', false), 3)).toBe(false)
  })
  it('refuses a value that is not a whole number', () => {
    expect(limitProblem({ mode: 'limit', limit: '' })).not.toBeNull()
    expect(limitProblem({ mode: 'limit', limit: 1.5 })).not.toBeNull()
    expect(limitProblem({ mode: 'limit', limit: 0 })).toBeNull()
    expect(limitProblem({ mode: 'unlimited', limit: '' })).toBeNull()
  })
})
