import type { InstanceView } from '@stratolith/api/compute/contract'
import type { ListQuery } from '../../kit/list-query.ts'
import { isUuid } from '../../kit/paths.ts'
import { isStatus } from './state.ts'

/** The read of the list of instances of the project, or of all projects. `?host=` narrows the latter to one host. */
export const instanceList =
  (allProjects: boolean): ListQuery<InstanceView> =>
  (page, { status, image, flavor, network, tag }, trpc, get) =>
    trpc.compute.instances.list.queryOptions({
      ...page,
      allProjects,
      status: statusWords(status),
      imageId: image,
      flavorId: flavor,
      networkId: network,
      tags: tag === undefined ? undefined : [tag],
      hostId: (allProjects && hostOf(get)) || undefined,
    })

/** Text that cannot be the ID of a host (an address that was cut short) is not sent. */
export function hostOf(get: (key: string) => string | null): string | null {
  const host = get('host')
  return host !== null && isUuid(host) ? host : null
}

/** A person who looks for reboots also wants to find hard reboots. */
const statusWords = (status: string | undefined) =>
  !isStatus(status)
    ? undefined
    : status === 'REBOOT'
      ? (['REBOOT', 'HARD_REBOOT'] as const).slice()
      : [status]
