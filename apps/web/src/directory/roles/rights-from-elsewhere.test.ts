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

describe('rightsFromElsewhere', () => {
  it('leaves out roles that were given here and keeps the roles that they imply', () => {
    const found = rightsFromElsewhere(
      [assignment('ann', 'member')],
      [assignment('ann', 'member'), assignment('ann', 'reader'), assignment('bob', 'reader')],
    )
    expect(found.map(({ id, roles }) => [id, roles])).toEqual([
      ['ann', ['reader']],
      ['bob', ['reader']],
    ])
  })
  it('does not take a role for the projects below for a role that holds here', () => {
    const found = rightsFromElsewhere([assignment('ann', 'admin', true)], [assignment('ann', 'admin')])
    expect(found.map(({ id }) => id)).toEqual(['ann'])
  })
})
