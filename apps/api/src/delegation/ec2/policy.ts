import type { PolicyTable } from '../../kernel/policy.ts'

/** Secrets belong to their owner; administrators of the cloud manage them for programs. Readers see none. */
const owner = 'admin or user:own'

export const ec2Policy: PolicyTable = {
  'identity:list_ec2_credentials': owner,
  'identity:create_ec2_credential': owner,
  'identity:delete_ec2_credential': owner,
  /** Services that receive signed requests (S3, EC2) have their callers' signatures verified here. */
  'identity:verify_signature': 'admin or role:service',
}
