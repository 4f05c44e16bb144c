import { hostStates } from '@stratolith/api/hosts/states'
import { describe, expect, it } from 'vitest'
import { fencingQuestion, heldText, hostAdvice, hostStateWords } from './host-words.ts'

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

  it('counts what is held for it', () => {
    const none = { addresses: 0, instances: 0, vcpus: 0, memoryMib: 0, diskGib: 0 }
    expect(heldText(none)).toBeNull()
    expect(heldText({ ...none, addresses: 1 })).toBe('Held until it has confirmed: 1 address.')
    expect(heldText({ addresses: 2, instances: 1, vcpus: 2, memoryMib: 2048, diskGib: 20 })).toMatch(
      /2 addresses and the room of 1 deleted instance \(2 vCPU, 2 GiB, 20 GiB of disk\)/,
    )
  })

  it('says what fencing gives away', () => {
    expect(fencingQuestion({ name: 'vm' }).body).toMatch(/switched off.*addresses.*given to others at once/)
  })
})
