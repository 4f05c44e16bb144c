import type { PolicyTable } from '../../kernel/policy.ts'

/** Consumers are programs of others that administrators let ask; what one gives them is one's own. */
export const oauthPolicy: PolicyTable = {
  'identity:list_consumers': 'admin or role:reader and scope:system',
  'identity:change_consumers': 'admin',
  'identity:authorize_request_token': 'anyone',
  'identity:get_access_token': 'admin or user:own',
  'identity:delete_access_token': 'admin or user:own',
}
