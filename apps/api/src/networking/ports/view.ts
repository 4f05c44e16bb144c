import type { Prisma } from '@stratolith/db'
import type { PortDevice, PortView } from '../contract.ts'

export const portInclude = {
  network: { select: { name: true } },
  addresses: { orderBy: { address: 'asc' } },
  securityGroups: { include: { group: { select: { id: true, name: true } } } },
  floatingIps: { select: { id: true, address: true, fixedAddress: true } },
} satisfies Prisma.PortInclude

export type PortRow = Prisma.PortGetPayload<{ include: typeof portInclude }>

export function portView(row: PortRow, device: PortDevice | null): PortView {
  return {
    id: row.id,
    name: row.name,
    description: row.description,
    projectId: row.projectId,
    networkId: row.networkId,
    networkName: row.network.name,
    mac: row.mac,
    adminUp: row.adminUp,
    portSecurity: row.portSecurity,
    state: row.state as PortView['state'],
    errorMessage: row.errorMessage,
    deviceOwner: row.deviceOwner,
    deviceId: row.deviceId,
    device,
    addresses: row.addresses.map((a) => {
      const fip = row.floatingIps.find((f) => f.fixedAddress === a.address)
      return {
        subnetId: a.subnetId,
        address: a.address,
        floatingIp: fip ? { id: fip.id, address: fip.address } : null,
      }
    }),
    securityGroups: row.securityGroups.map((s) => s.group),
    createdAt: row.createdAt.toISOString(),
  }
}
