import { hostStates } from '@stratolith/api/hosts/states'
import { describe, expect, it } from 'vitest'
import { fencedStory, fencingQuestion, heldText, hostAdvice, hostStateWords } from './host-words.ts'

const textOf = (story: { text: string }[]) => story.map(({ text }) => text).join(' ')

describe('the words about a host', () => {
  it('name each state, and say what to do when the host is not up', () => {
    expect(new Set(hostStates.map((state) => hostStateWords[state].label)).size).toBe(hostStates.length)
    expect(hostAdvice({ state: 'up', answers: true })).toBeNull()
    for (const state of ['suspect', 'down', 'fenced'] as const)
      expect(hostAdvice({ state, answers: false })).toMatch(/\.$/)
  })

  it('warn of a machine that is declared off and still answers', () => {
    expect(hostAdvice({ state: 'fenced', answers: true })).toMatch(/it answers.*switch the machine off/)
    expect(textOf(fencedStory({ answers: true }, null))).toMatch(/answers all the same.*switch it off/)
    expect(hostAdvice({ state: 'down', answers: false })).toMatch(/held.*declare it fenced/)
  })

  it('count the addresses and the room that are held for it', () => {
    const none = { addresses: 0, instances: 0, vcpus: 0, memoryMib: 0, diskGib: 0 }
    expect(heldText(none)).toBeNull()
    expect(heldText({ ...none, addresses: 1 })).toBe('Held until it has confirmed: 1 address.')
    expect(heldText({ addresses: 2, instances: 1, vcpus: 2, memoryMib: 2048, diskGib: 20 })).toMatch(
      /2 addresses and the room of 1 deleted instance \(2 vCPU, 2 GiB, 20 GiB of disk\)/,
    )
  })

  it('tell of a fenced host who declared it, what was freed, and what happens when it is back', () => {
    const freed = { addresses: 2, instances: 1, at: '2026-11-29T08:00:00Z', by: 'ada' }
    const story = fencedStory({ answers: false }, freed)
    expect(story.map(({ title }) => title)).toEqual(['Now', 'Freed', 'When it comes back'])
    expect(textOf(story)).toMatch(
      /^ada declared on .* that this machine is off.*2 addresses and the room of 1 deleted instance\..*keep their addresses.*first answer.*Take the fencing back/,
    )
    expect(textOf(fencedStory({ answers: false }, { ...freed, addresses: 0, instances: 0 }))).toMatch(
      /Nothing was held for it at that moment/,
    )
    expect(textOf(fencedStory({ answers: false }, null))).toMatch(/^An administrator has declared/)
  })

  it('say what fencing gives to others', () => {
    expect(fencingQuestion({ name: 'vm' }).body).toMatch(/switched off.*addresses.*given to others at once/)
  })
})
