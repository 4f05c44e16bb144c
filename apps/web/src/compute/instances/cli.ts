import { shellLine } from '../../kit/shell.ts'

/** The stock `openstack` client's words for what the forms of an instance do. */

type Named = { id: string; name: string; description: string }

export const serverSetCli = (before: Named, { name, description }: Omit<Named, 'id'>): string =>
  shellLine(
    ...['openstack', 'server', 'set', '--name', name],
    ...(description === before.description ? [] : ['--description', description]),
    before.id,
  )

/** `address` is empty for any. */
export const attachCli = (
  id: string,
  { networkId, address }: { networkId: string; address: string },
): string =>
  address
    ? shellLine('openstack', 'server', 'add', 'fixed', 'ip', '--fixed-ip-address', address, id, networkId)
    : shellLine('openstack', 'server', 'add', 'network', id, networkId || 'NETWORK')

export const detachCli = (id: string, portId: string): string =>
  shellLine('openstack', 'server', 'remove', 'port', id, portId)
