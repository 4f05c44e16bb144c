import type { PolicyTable } from '../../kernel/policy.ts'

/** Secrets belong to their owner; administrators of the cloud manage them for programs. Readers see none. */
const owner = 'admin or user:own'

export const credentialPolicy: PolicyTable = {
  'identity:list_credentials': 'anyone',
  'identity:get_credential': owner,
  'identity:create_credential': owner,
  'identity:update_credential': owner,
  'identity:delete_credential': owner,
  /** The user's own authenticator app. */
  'identity:second_factor': 'user:own',
}
