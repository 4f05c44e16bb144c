import type { PolicyTable } from '../../kernel/policy.ts'

const read = 'admin or role:reader and scope:system or role:reader and domain:own or user:own'
const manage = 'admin or role:admin and domain:own or user:own'

/**
 * Nobody makes an application credential for another user, because everyone who knows its secret can act as that user.
 */
export const applicationCredentialPolicy: PolicyTable = {
  'identity:list_application_credentials': read,
  'identity:get_application_credential': read,
  'identity:create_application_credential': 'user:own',
  'identity:delete_application_credential': manage,
  'identity:list_access_rules': read,
  'identity:get_access_rule': read,
  'identity:delete_access_rule': manage,
}
