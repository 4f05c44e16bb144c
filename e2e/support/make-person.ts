/** Run by people.ts: node make-person.ts '{"name","password","project"}' in the API's environment. */
import { createProject } from '../../apps/api/src/identity/projects/service.ts'
import { assignRole } from '../../apps/api/src/identity/roles/by-name.ts'
import { createUser } from '../../apps/api/src/identity/users/service.ts'
import { systemCtx } from '../../apps/api/src/kernel/context.ts'
import { buildDeps } from '../../apps/api/src/process.ts'
import '../../apps/api/src/register.ts'
import type { Person } from './people.ts'

const person = JSON.parse(process.argv[2] ?? '') as Person
const deps = buildDeps('make-person', 2)
const ctx = systemCtx(deps, 'make-person')
const project = await createProject(ctx, { name: person.project, description: '' })
const user = await createUser(ctx, {
  name: person.name,
  password: person.password,
  defaultProjectId: project.id,
})
await assignRole(ctx, { userId: user.id, role: 'member', target: { projectId: project.id } })
await deps.root.$disconnect()
process.exit(0)
