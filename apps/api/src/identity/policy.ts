import type { PolicyTable } from '../kernel/policy.ts'

/** Administrators of the cloud, and of the domain of the user, may change these things. */
const manage = 'admin or role:admin and domain:own'

/** The rules of this room (their language: kernel/policy.ts). */
export const identityPolicy: PolicyTable = {
  'identity:session': 'anyone',
  'identity:list_own_projects': 'anyone',
  'identity:rescope': 'anyone',
  'identity:sign_out': 'anyone',
  'identity:validate_token': 'admin or role:reader and scope:system or user:own',
  'identity:revoke_token': 'admin or user:own',
  'identity:list_sessions': `${manage} or user:own`,
  'identity:revoke_sessions': `${manage} or user:own`,
}
