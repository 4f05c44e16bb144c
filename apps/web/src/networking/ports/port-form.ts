import type { NetworkView, SubnetView } from '@stratolith/api/networking/contract'
import { addressProblem } from '../cidr.ts'

/** One line of the addresses of a port: any of a subnet, or (with `address`) this one of it. */
export type FixedIpLine = { subnetId: string; address: string }
type Subnet = Pick<SubnetView, 'id' | 'cidr' | 'name'>

/** The most addresses that a port can have. */
export const mostAddresses = 5

export const subnetLabel = ({ cidr, name }: Subnet): string => (name ? `${cidr} (${name})` : cidr)

/** For the server: what was left empty is any address of that subnet. */
export const fixedIpsInput = (lines: readonly FixedIpLine[]) =>
  lines.map(({ subnetId, address }) => ({ subnetId, address: address.trim() || undefined }))

/** Sentences by field ("fixedIps.0.address"); empty when it can be sent. */
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

/** Whose a new port on the network is: the session's, unless only the network's own project can use that network. */
export const ownerOfNewPort = (
  network: Pick<NetworkView, 'own' | 'shared' | 'external' | 'projectId'>,
): string | undefined => (network.own || network.shared || network.external ? undefined : network.projectId)

/** Null is the project's default group; without port security a port is in no group. */
export const groupsInput = (values: { portSecurity: boolean; groupIds: string[] | null }) =>
  values.portSecurity ? (values.groupIds ?? undefined) : []
