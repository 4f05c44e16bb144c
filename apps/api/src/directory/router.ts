import { procedure, router } from '../kernel/trpc.ts'
import { idOf } from './contract.ts'
import {
  domainInput,
  domainListInput,
  domainUpdateInput,
  projectInput,
  projectListInput,
  projectUpdateInput,
} from './projects/contract.ts'
import { deleteProject, projectDeletionPlan } from './projects/deletion.ts'
import { createDomain, deleteDomain, getDomain, listDomains, updateDomain } from './projects/domains.ts'
import { createProject, getProject, listProjects, updateProject } from './projects/service.ts'
import { listAssignments } from './roles/assignment-list.ts'
import { grantRole, revokeRole } from './roles/assignments.ts'
import {
  assignmentListInput,
  grantInput,
  implicationInput,
  roleInput,
  roleListInput,
  roleUpdateInput,
} from './roles/contract.ts'
import {
  createRole,
  deleteRole,
  getRole,
  implyRole,
  listRoles,
  unimplyRole,
  updateRole,
} from './roles/service.ts'
import {
  groupInput,
  groupListInput,
  groupUpdateInput,
  membershipInput,
  resetPasswordInput,
  userFormInput,
  userFormUpdateInput,
  userListInput,
} from './users/contract.ts'
import {
  addGroupMember,
  createGroup,
  deleteGroup,
  getGroup,
  listGroups,
  removeGroupMember,
  updateGroup,
} from './users/groups.ts'
import { resetPassword } from './users/password.ts'
import { createUser, deleteUser, getUser, listUsers, updateUser } from './users/service.ts'

const domains = router({
  list: procedure.input(domainListInput).query(({ ctx, input }) => listDomains(ctx.cloud, input)),
  get: procedure.input(idOf).query(({ ctx, input }) => getDomain(ctx.cloud, input)),
  create: procedure.input(domainInput).mutation(({ ctx, input }) => createDomain(ctx.cloud, input)),
  update: procedure.input(domainUpdateInput).mutation(({ ctx, input }) => updateDomain(ctx.cloud, input)),
  delete: procedure.input(idOf).mutation(({ ctx, input }) => deleteDomain(ctx.cloud, input)),
})

const projects = router({
  list: procedure.input(projectListInput).query(({ ctx, input }) => listProjects(ctx.cloud, input)),
  get: procedure.input(idOf).query(({ ctx, input }) => getProject(ctx.cloud, input)),
  create: procedure.input(projectInput).mutation(({ ctx, input }) => createProject(ctx.cloud, input)),
  update: procedure.input(projectUpdateInput).mutation(({ ctx, input }) => updateProject(ctx.cloud, input)),
  deletionPlan: procedure.input(idOf).query(({ ctx, input }) => projectDeletionPlan(ctx.cloud, input)),
  delete: procedure.input(idOf).mutation(({ ctx, input }) => deleteProject(ctx.cloud, input)),
})

const users = router({
  list: procedure.input(userListInput).query(({ ctx, input }) => listUsers(ctx.cloud, input)),
  get: procedure.input(idOf).query(({ ctx, input }) => getUser(ctx.cloud, input)),
  create: procedure.input(userFormInput).mutation(({ ctx, input }) => createUser(ctx.cloud, input)),
  update: procedure.input(userFormUpdateInput).mutation(({ ctx, input }) => updateUser(ctx.cloud, input)),
  delete: procedure.input(idOf).mutation(({ ctx, input }) => deleteUser(ctx.cloud, input)),
  resetPassword: procedure
    .input(resetPasswordInput)
    .mutation(({ ctx, input }) => resetPassword(ctx.cloud, input)),
})

const groups = router({
  list: procedure.input(groupListInput).query(({ ctx, input }) => listGroups(ctx.cloud, input)),
  get: procedure.input(idOf).query(({ ctx, input }) => getGroup(ctx.cloud, input)),
  create: procedure.input(groupInput).mutation(({ ctx, input }) => createGroup(ctx.cloud, input)),
  update: procedure.input(groupUpdateInput).mutation(({ ctx, input }) => updateGroup(ctx.cloud, input)),
  delete: procedure.input(idOf).mutation(({ ctx, input }) => deleteGroup(ctx.cloud, input)),
  addMember: procedure.input(membershipInput).mutation(({ ctx, input }) => addGroupMember(ctx.cloud, input)),
  removeMember: procedure
    .input(membershipInput)
    .mutation(({ ctx, input }) => removeGroupMember(ctx.cloud, input)),
})

const roles = router({
  list: procedure.input(roleListInput).query(({ ctx, input }) => listRoles(ctx.cloud, input)),
  get: procedure.input(idOf).query(({ ctx, input }) => getRole(ctx.cloud, input)),
  create: procedure.input(roleInput).mutation(({ ctx, input }) => createRole(ctx.cloud, input)),
  update: procedure.input(roleUpdateInput).mutation(({ ctx, input }) => updateRole(ctx.cloud, input)),
  delete: procedure.input(idOf).mutation(({ ctx, input }) => deleteRole(ctx.cloud, input)),
  imply: procedure.input(implicationInput).mutation(({ ctx, input }) => implyRole(ctx.cloud, input)),
  unimply: procedure.input(implicationInput).mutation(({ ctx, input }) => unimplyRole(ctx.cloud, input)),
})

const assignments = router({
  list: procedure.input(assignmentListInput).query(({ ctx, input }) => listAssignments(ctx.cloud, input)),
  grant: procedure.input(grantInput).mutation(({ ctx, input }) => grantRole(ctx.cloud, input)),
  revoke: procedure.input(grantInput).mutation(({ ctx, input }) => revokeRole(ctx.cloud, input)),
})

export const directoryRouter = router({ domains, projects, users, groups, roles, assignments })
