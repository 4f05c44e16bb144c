import { hostStates } from '@stratolith/api/hosts/states'
import { describe, expect, it } from 'vitest'
import { fencingQuestion, hostAdvice, hostStateWords } from './host-words.ts'

describe('what is said of a host', () => {
  it('has a word for each state, and says what to do when it is not up', () => {
    expect(new Set(hostStates.map((state) => hostStateWords[state].label)).size).toBe(hostStates.length)
    expect(hostAdvice({ state: 'up', answers: true })).toBeNull()
    for (const state of ['suspect', 'down', 'fenced'] as const)
      expect(hostAdvice({ state, answers: false })).toMatch(/\.$/)
  })

  it('warns of a machine that is declared off and answers', () => {
    expect(hostAdvice({ state: 'fenced', answers: true })).toMatch(/it answers.*switch the machine off/)
    expect(hostAdvice({ state: 'down', answers: false })).toMatch(/held.*declare it fenced/)
  })

  it('says what fencing gives away', () => {
    expect(fencingQuestion({ name: 'vm' }).body).toMatch(/switched off.*addresses.*given to others at once/)
  })
})
