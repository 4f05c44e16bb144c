import { shellLine } from '../../kit/shell.ts'

/** The stock `openstack` client's commands for the forms of an instance. */

type Named = { id: string; name: string; description: string }

export const serverSetCli = (before: Named, { name, description }: Omit<Named, 'id'>): string =>
  shellLine(
    ...['openstack', 'server', 'set', '--name', name],
    ...(description === before.description ? [] : ['--description', description]),
    before.id,
  )

/** An empty `address` means any address. */
export const attachCli = (
  id: string,
  { networkId, address }: { networkId: string; address: string },
): string =>
  address
    ? shellLine('openstack', 'server', 'add', 'fixed', 'ip', '--fixed-ip-address', address, id, networkId)
    : shellLine('openstack', 'server', 'add', 'network', id, networkId || 'NETWORK')

export const attachPortCli = (id: string, portId: string): string =>
  shellLine('openstack', 'server', 'add', 'port', id, portId || 'PORT')

export const detachCli = (id: string, portId: string): string =>
  shellLine('openstack', 'server', 'remove', 'port', id, portId)

export const metadataSetCli = (id: string, key: string, value: string): string =>
  shellLine('openstack', 'server', 'set', '--property', `${key}=${value}`, id)
export const metadataUnsetCli = (id: string, key: string): string =>
  shellLine('openstack', 'server', 'unset', '--property', key, id)

/** Tags need version 2.26 of the compute API and reasons of locks need 2.73, but the client asks for 2.1 by default. */
export const tagsCli = (id: string, tags: readonly string[]): string =>
  shellLine(
    ...['openstack', '--os-compute-api-version', '2.26', 'server', 'set'],
    ...tags.flatMap((tag) => ['--tag', tag]),
    id,
  )
export const lockCli = (id: string, reason: string): string =>
  reason
    ? shellLine(
        ...['openstack', '--os-compute-api-version', '2.73', 'server', 'lock', '--reason', reason, id],
      )
    : shellLine('openstack', 'server', 'lock', id)
