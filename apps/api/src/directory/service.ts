/** The functions of the directory that other rooms use. */
export type { RoleTarget } from './assignment-key.ts'
export { type UserRef, verifyPasswordOf } from './backends/backend.ts'
export { lockUser, onPlaceClosed, onSessionsVoided, type Place, sessionEnded, voidTokens } from './ending.ts'
export { newId } from './ids.ts'
export {
  mayAct,
  namesWithImplied,
  ownerColumns,
  ownerOfToken,
  placeColumns,
  placeIsLive,
  placeOfToken,
  rolesHere,
  usersOfDomain,
} from './in-sql.ts'
export {
  adminProjectId,
  type DomainRef,
  domainNamed,
  domainNames,
  domainRef,
  type ProjectRef,
  projectExists,
  projectNamed,
  projectNames,
  projectRef,
  userNames,
  userRef,
} from './names.ts'
export { namedRole, projectView } from './openstack/views.ts'
export { checkNewPassword } from './password-rules.ts'
export { hashPassword, verifyPassword } from './passwords.ts'
export type { ProjectDetail } from './projects/contract.ts'
export {
  onProjectDeleting,
  onProjectRemoved,
  onProjectRightsEnding,
  type ProjectThing,
  removeEach,
} from './projects/deletion.ts'
export { domainsById } from './projects/domains.ts'
export { demandProject, liveProject, onProjectCreated, projectsById } from './projects/service.ts'
export {
  boundBy,
  demandRoom,
  directoryEvent,
  reachesElsewhere,
  refuseDelegation,
  refuseSecrets,
  seen,
} from './reach.ts'
export {
  domainsOf,
  firstProjectOf,
  hasSystemRole,
  projectsOf,
  projectWithRole,
  rolesAt,
} from './roles/effective.ts'
export { demandNoMore } from './roles/granting.ts'
export { type RoleRef, roleExists, roleRefs, rolesById, rolesNamed } from './roles/service.ts'
export { loadUser } from './users/load.ts'
export { exchangePassword } from './users/password.ts'
export { onUserDeleting } from './users/removal.ts'
export {
  countCodes,
  findUser,
  lockCodes,
  makeWait,
  noteSignIn,
  setFactors,
  shareUsers,
  signerById,
} from './users/signing-in.ts'
