import type { NetworkView, SubnetView } from '@stratolith/api/networking/contract'
import { addressProblem } from '../cidr.ts'

/** One line of a port's addresses: any address of a subnet, or (with `address`) this address of it. */
export type FixedIpLine = { subnetId: string; address: string }
type Subnet = Pick<SubnetView, 'id' | 'cidr' | 'name'>

/** The largest number of addresses of a port. */
export const mostAddresses = 5

export const subnetLabel = ({ cidr, name }: Subnet): string => (name ? `${cidr} (${name})` : cidr)

/** Returns the server's input: an empty address means any address of the subnet. */
export const fixedIpsInput = (lines: readonly FixedIpLine[]) =>
  lines.map(({ subnetId, address }) => ({ subnetId, address: address.trim() || undefined }))

/** Returns sentences by field ("fixedIps.0.address"); empty when the values can be sent. */
export function fixedIpProblems(
  lines: readonly FixedIpLine[],
  subnets: readonly Subnet[],
): Record<string, string> {
  const typed = lines.map((line) => line.address.trim())
  return Object.fromEntries(
    lines.flatMap((line, index) => {
      const address = line.address.trim()
      const cidr = subnets.find(({ id }) => id === line.subnetId)?.cidr
      const problem =
        cidr === undefined
          ? 'Choose a subnet.'
          : address !== '' && typed.indexOf(address) !== index
            ? `${address} stands here already.`
            : addressProblem(cidr, address)
      return problem === null ? [] : [[`fixedIps.${index}.address`, problem]]
    }),
  )
}

/**
 * Returns the project of a new port on the network: undefined for the session's project, and the network's own project
 * when no other project can use the network. A page of the cloud has no project (`here` is null), so a port that is
 * made there is of the network's project, too.
 */
export const ownerOfNewPort = (
  network: Pick<NetworkView, 'own' | 'shared' | 'external' | 'projectId'>,
  here: string | null,
): string | undefined =>
  here !== null && (network.own || network.shared || network.external) ? undefined : network.projectId

/** Returns the server's input: null is the project's default group, and a port without port security is in no group. */
export const groupsInput = (values: { portSecurity: boolean; groupIds: string[] | null }) =>
  values.portSecurity ? (values.groupIds ?? undefined) : []
