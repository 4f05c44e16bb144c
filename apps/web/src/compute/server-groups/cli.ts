import type { GroupPolicy } from '@stratolith/api/compute/contract'
import { shellLine } from '../../kit/shell.ts'

/** Soft policies and rules need version 2.64 of the compute API, but the client asks for 2.1 by default. */
export function serverGroupCreateCli({
  name,
  policy,
  maxPerHost,
}: {
  name: string
  policy: GroupPolicy
  maxPerHost: number | ''
}): string {
  const rule = policy === 'anti-affinity' && maxPerHost !== ''
  return shellLine(
    'openstack',
    ...(rule || policy.startsWith('soft-') ? ['--os-compute-api-version', '2.64'] : []),
    ...['server', 'group', 'create', '--policy', policy],
    ...(rule ? ['--rule', `max_server_per_host=${maxPerHost}`] : []),
    name || 'NAME',
  )
}
export const serverGroupDeleteCli = (id: string): string =>
  shellLine('openstack', 'server', 'group', 'delete', id)
