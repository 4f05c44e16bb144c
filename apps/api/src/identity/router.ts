import { z } from 'zod'
import { procedure, publicProcedure, router } from '../kernel/trpc.ts'
import { idOf, keystoneId, rescopeInput, sessionListInput, sessionRef, signInInput } from './contract.ts'
import {
  applicationCredentialsRouter,
  ec2CredentialsRouter,
  secondFactorRouter,
  trustsRouter,
} from './delegation-router.ts'
import { resetCodes } from './multi-factor/enrolment.ts'
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
import { places, projects, rescope, session, signIn, signOut } from './service.ts'
import { listSessions, revokeAllSessions, revokeSession } from './sessions-list.ts'
import {
  changePasswordInput,
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
import { changePassword, passwordRules, resetPassword } from './users/password.ts'
import { createUser, deleteUser, getUser, listUsers, updateUser } from './users/service.ts'

const domains = router({
  list: procedure.input(domainListInput).query(({ ctx, input }) => listDomains(ctx.cloud, input)),
  get: procedure.input(idOf).query(({ ctx, input }) => getDomain(ctx.cloud, input)),
  create: procedure.input(domainInput).mutation(({ ctx, input }) => createDomain(ctx.cloud, input)),
  update: procedure.input(domainUpdateInput).mutation(({ ctx, input }) => updateDomain(ctx.cloud, input)),
  delete: procedure.input(idOf).mutation(({ ctx, input }) => deleteDomain(ctx.cloud, input)),
})

const projectsOfCloud = router({
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
  resetCodes: procedure.input(idOf).mutation(({ ctx, input }) => resetCodes(ctx.cloud, input)),
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

const sessions = router({
  list: procedure.input(sessionListInput).query(({ ctx, input }) => listSessions(ctx.cloud, input)),
  revoke: procedure.input(sessionRef).mutation(({ ctx, input }) => revokeSession(ctx.cloud, input)),
  revokeAll: procedure
    .input(z.object({ userId: keystoneId.optional() }))
    .mutation(({ ctx, input }) => revokeAllSessions(ctx.cloud, input)),
})

export const identityRouter = router({
  signIn: publicProcedure
    .input(signInInput)
    .mutation(({ ctx, input }) => signIn(ctx.anonymous, input, ctx.sourceIp)),
  session: procedure.query(({ ctx }) => session(ctx.cloud)),
  /** The caller's own; `places` has domains and the system too. */
  ownProjects: procedure.query(({ ctx }) => projects(ctx.cloud)),
  places: procedure.query(({ ctx }) => places(ctx.cloud)),
  rescope: procedure.input(rescopeInput).mutation(({ ctx, input }) => rescope(ctx.cloud, input)),
  signOut: procedure.mutation(({ ctx }) => signOut(ctx.cloud)),
  passwordRules: publicProcedure.query(({ ctx }) => passwordRules(ctx.anonymous)),
  /** Needs no session: a password that has run out is changed by this. */
  changePassword: publicProcedure
    .input(changePasswordInput)
    .mutation(({ ctx, input }) => changePassword(ctx.anonymous, input, ctx.sourceIp)),
  domains,
  projects: projectsOfCloud,
  users,
  groups,
  roles,
  assignments,
  sessions,
  applicationCredentials: applicationCredentialsRouter,
  ec2Credentials: ec2CredentialsRouter,
  trusts: trustsRouter,
  secondFactor: secondFactorRouter,
})
