import type { PolicyTable } from '../kernel/policy.ts'

/** Changes: administrators of the cloud, and of the domain it is about. */
const manage = 'admin or role:admin and domain:own'

/** Action → rule of who you are (words: kernel/policy.ts). */
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
