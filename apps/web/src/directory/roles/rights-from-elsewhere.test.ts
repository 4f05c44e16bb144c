import type { AssignmentView } from '@stratolith/api/directory/roles/contract'
import { describe, expect, it } from 'vitest'
import { rightsFromElsewhere } from './rights-from-elsewhere.ts'

const assignment = (user: string, role: string, inherited = false): AssignmentView => ({
  id: `${user}/${role}/${inherited}`,
  role: { id: role, name: role, domainId: null },
  user: { id: user, name: user, domainId: 'default', domainName: 'Default' },
  group: null,
  project: null,
  domain: null,
  system: false,
  inherited,
})

const whole = (items: AssignmentView[]) => ({ items, next: null })
function listed(here: AssignmentView[], really: AssignmentView[]) {
  const found = rightsFromElsewhere(whole(here), whole(really))
  if (found === 'many') throw new Error('The lists are short.')
  return found
}

describe('rightsFromElsewhere', () => {
  it('compares no lists that have another page', () => {
    const long = { items: [assignment('ann', 'member')], next: 'x' }
    expect(rightsFromElsewhere(long, whole([]))).toBe('many')
    expect(rightsFromElsewhere(whole([]), long)).toBe('many')
  })

  it('leaves out roles that were given here and keeps the roles that they imply', () => {
    const found = listed(
      [assignment('ann', 'member')],
      [assignment('ann', 'member'), assignment('ann', 'reader'), assignment('bob', 'reader')],
    )
    expect(found.map(({ id, roles }) => [id, roles])).toEqual([
      ['ann', ['reader']],
      ['bob', ['reader']],
    ])
  })
  it('does not take a role for the projects below for a role that holds here', () => {
    const found = listed([assignment('ann', 'admin', true)], [assignment('ann', 'admin')])
    expect(found.map(({ id }) => id)).toEqual(['ann'])
  })
})
