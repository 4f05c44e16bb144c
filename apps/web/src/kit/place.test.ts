import { expect, test } from 'vitest'
import { lookAt } from './place.ts'

const session = { project: { id: 'here', name: 'here' }, domain: null, system: false, roles: ['member'] }

test('a thing is read by its own project, across all projects, or not at all', () => {
  const member = { ...session, isAdmin: false }
  const admin = { ...session, roles: ['admin'], isAdmin: true }
  const reader = { ...session, project: null, system: true, roles: ['reader'], isAdmin: false }
  expect(lookAt(member, 'here')).toEqual({ allProjects: false, hidden: false })
  expect(lookAt(member, 'there')).toEqual({ allProjects: false, hidden: true })
  expect(lookAt(admin, 'here')).toEqual({ allProjects: false, hidden: false })
  expect(lookAt(admin, 'there')).toEqual({ allProjects: true, hidden: false })
  expect(lookAt(reader, 'there')).toEqual({ allProjects: true, hidden: false })
})
