import type { PolicyTable } from '../../kernel/policy.ts'

/**
 * Consumers are programs of others, which administrators register. The rights that users give to a consumer are the
 * users' own.
 */
export const oauthPolicy: PolicyTable = {
  'identity:list_consumers': 'admin or role:reader and scope:system',
  'identity:change_consumers': 'admin',
  'identity:authorize_request_token': 'anyone',
  'identity:get_access_token': 'admin or user:own',
  'identity:delete_access_token': 'admin or user:own',
}
