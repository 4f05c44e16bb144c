import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { testCloud } from '../identity/testing.ts'
import { type Ctx, systemCtx } from '../kernel/context.ts'
import type { Page } from '../kernel/contract.ts'
import { statementsDuring } from '../plans.testing.ts'
import { newId } from './ids.ts'
import { domainListInput, projectListInput } from './projects/contract.ts'
import { createDomain, listDomains } from './projects/domains.ts'
import { createProject, findProjects, listProjects } from './projects/service.ts'
import { findAssignments, listAssignments } from './roles/assignment-list.ts'
import { grantRole } from './roles/assignments.ts'
import { assignmentListInput, roleListInput } from './roles/contract.ts'
import { createRole, listRoles, rolesNamed } from './roles/service.ts'
import { groupListInput, userListInput } from './users/contract.ts'
import { createGroup, findGroups, listGroups } from './users/groups.ts'
import { createUser, findUsers, listUsers } from './users/service.ts'

let cloud: Awaited<ReturnType<typeof testCloud>>
let system: Ctx
let domainId: string
let memberId: string
beforeAll(async () => {
  cloud = await testCloud()
  system = systemCtx(cloud.deps, 'test')
  domainId = (await createDomain(system, { name: `d-${newId()}` })).id
  memberId = (await rolesNamed(system, ['member']))[0]?.id ?? ''
})
afterAll(() => cloud.close())

type Named = { id: string; name?: string }
type List = {
  /** Makes a thing; returns its id as the list shows it. */
  make(name: string): Promise<unknown>
  remove(name: string): Promise<unknown>
  list(input: object): Promise<Page<Named>>
  /** The word of the column that shows the name. */
  column?: string
  nameOf?: (item: Named) => string | undefined
}

const holder = (item: Named) => (item as { user?: { name: string } }).user?.name
/** Each list with three things, of which nobody else makes any. */
const lists: Record<string, List> = {
  domains: {
    make: (name) => createDomain(system, { name }),
    remove: (name) => cloud.deps.root.domain.delete({ where: { name } }),
    list: (input) => listDomains(system, domainListInput.parse({ ...input, name: { startsWith: 'w-' } })),
  },
  projects: {
    make: (name) => createProject(system, { name, domainId }),
    remove: (name) => cloud.deps.root.project.deleteMany({ where: { name, domainId } }),
    list: (input) => listProjects(system, projectListInput.parse({ ...input, domainId })),
  },
  users: {
    make: (name) => createUser(system, { name, domainId }),
    remove: (name) => cloud.deps.root.user.deleteMany({ where: { name, domainId } }),
    list: (input) => listUsers(system, userListInput.parse({ ...input, domainId })),
  },
  groups: {
    make: (name) => createGroup(system, { name, domainId }),
    remove: (name) => cloud.deps.root.group.deleteMany({ where: { name, domainId } }),
    list: (input) => listGroups(system, groupListInput.parse({ ...input, domainId })),
  },
  roles: {
    make: (name) => createRole(system, { name, domainId }),
    remove: (name) => cloud.deps.root.role.deleteMany({ where: { name, domainId } }),
    list: (input) => listRoles(system, roleListInput.parse({ ...input, domainId })),
  },
  assignments: {
    async make(name) {
      const user = await createUser(system, { name: `${name}-held`, domainId })
      await grantRole(system, { userId: user.id, roleId: memberId, domainId })
    },
    remove: (name) =>
      cloud.deps.root.roleAssignment.deleteMany({ where: { domainId, user: { name: `${name}-held` } } }),
    list: (input) => listAssignments(system, assignmentListInput.parse({ ...input, domainId })),
    column: 'holder',
    nameOf: (item) => holder(item)?.replace(/-held$/, ''),
  },
}

describe.each(Object.entries(lists))(
  'the list of %s',
  (_what, { make, remove, list, column = 'name', nameOf = (item) => item.name }) => {
    const names = ['w-b', 'w-d', 'w-f', 'w-h', 'w-j']
    const ask = async (marker: string | null, sort = column) => {
      const page = await list({ sort, limit: 2, marker: marker ?? undefined })
      return { ...page, names: page.items.map(nameOf) }
    }
    beforeAll(async () => {
      for (const name of names) await make(name)
    })

    test('goes on where it was when the row beside it is deleted and others are made', async () => {
      const first = await ask(null)
      expect(first).toMatchObject({ names: ['w-b', 'w-d'], total: 5, atLeast: false, first: 1 })
      await remove('w-d')
      await make('w-a')
      await make('w-e')
      const second = await ask(first.next)
      expect(second).toMatchObject({ names: ['w-e', 'w-f'], total: 6, first: 3 })
      const third = await ask(second.next)
      expect(third).toMatchObject({ names: ['w-h', 'w-j'], next: null, first: 5 })
      const back = await ask(third.previous)
      expect(back.names).toEqual(['w-e', 'w-f'])
      expect((await ask(back.previous)).names).toEqual(['w-a', 'w-b'])
    })

    test('is sorted the other way, too', async () => {
      expect((await ask(null, `-${column}`)).names).toEqual(['w-j', 'w-h'])
    })

    test('takes as many statements for a long page as for a short one', async () => {
      const cost = async (limit: number) =>
        (
          await statementsDuring(async () => {
            await list({ limit, sort: column })
          })
        ).size
      const short = await cost(1)
      expect(await cost(50)).toBe(short)
      expect(short).toBeLessThan(6)
    })
  },
)

describe('OpenStack’s clients', () => {
  test.each([
    ['projects', async () => findProjects(system, projectListInput.parse({ domainId, limit: 2 }))],
    ['users', async () => findUsers(system, userListInput.parse({ domainId, limit: 2 }))],
    ['groups', async () => findGroups(system, groupListInput.parse({ domainId, limit: 2 }))],
    ['assignments', async () => findAssignments(system, assignmentListInput.parse({ domainId, limit: 2 }))],
  ] as const)('learn that a list of %s was cut, and nothing is counted for them', async (_what, find) => {
    let found: { items: readonly unknown[]; next: string | null } | undefined
    const statements = await statementsDuring(async () => {
      found = await find()
    })
    expect(found).toMatchObject({ items: [{}, {}], next: expect.any(String) })
    expect([...statements.keys()].filter((text) => /SELECT COUNT\(\*\)(?!.*GROUP BY)/.test(text))).toEqual([])
  })
})
