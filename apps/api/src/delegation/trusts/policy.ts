import type { PolicyTable } from '../../kernel/policy.ts'

export const trustPolicy: PolicyTable = {
  /**
   * Every user sees the trusts that they take part in; administrators of the cloud and readers of the system see all.
   */
  'identity:list_trusts': 'anyone',
  'identity:get_trust': 'admin or role:reader and scope:system or user:own',
  'identity:create_trust': 'user:own',
  'identity:delete_trust': 'admin or user:own',
}
