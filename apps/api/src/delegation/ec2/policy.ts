import type { PolicyTable } from '../../kernel/policy.ts'

/** A secret is its owner's; administrators of the cloud keep them for programs. Readers see none. */
const owner = 'admin or user:own'

export const ec2Policy: PolicyTable = {
  'identity:list_ec2_credentials': owner,
  'identity:create_ec2_credential': owner,
  'identity:delete_ec2_credential': owner,
  /** Services that take signed requests (S3, EC2) ask this for their callers. */
  'identity:verify_signature': 'admin or role:service',
}
