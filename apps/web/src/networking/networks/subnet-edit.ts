import type { SubnetView } from '@stratolith/api/networking/contract'
import { addressProblem, dnsProblem, type Pool, poolProblem } from '../cidr.ts'

export type SubnetEditValues = {
  name: string
  description: string
  gateway: string
  noGateway: boolean
  dhcp: boolean
  dns: string[]
  pool: Pool
}

/**
 * The form edits one range. When the gateway lies inside of the pool, the server shows two ranges, which are one pool
 * with a hole.
 */
const poolOf = ({ pool, pools }: SubnetView): Pool => (pools.length === 1 ? (pools[0] ?? pool) : pool)

export const editOf = (subnet: SubnetView): SubnetEditValues => ({
  name: subnet.name,
  description: subnet.description,
  gateway: subnet.gatewayIp ?? '',
  noGateway: subnet.gatewayIp === null,
  dhcp: subnet.dhcp,
  dns: subnet.dns,
  pool: poolOf(subnet),
})

/** Returns sentences by field; empty when the values can be sent. */
export function editProblems(subnet: SubnetView, values: SubnetEditValues): Record<string, string> {
  const { gateway, noGateway, pool } = trimmed(values)
  const found = {
    gateway: noGateway
      ? null
      : gateway === ''
        ? 'Write an address, or tick “No gateway”.'
        : addressProblem(subnet.cidr, gateway),
    dns: dnsProblem(values.dns),
    pool:
      pool.start === '' && pool.end === ''
        ? 'Write the first and the last address that are given out.'
        : poolProblem(subnet.cidr, pool),
  }
  return Object.fromEntries(
    Object.entries(found).filter((entry): entry is [string, string] => entry[1] !== null),
  )
}

/**
 * Returns the server's input with the changed values only, because the server would check an unchanged gateway or pool
 * again.
 */
export function editInput(subnet: SubnetView, values: SubnetEditValues) {
  const { gateway, noGateway, pool, name, description, dhcp, dns } = trimmed(values)
  const gatewayIp = noGateway ? null : gateway
  const before = poolOf(subnet)
  const samePool = pool.start === before.start && pool.end === before.end
  return {
    ...{ id: subnet.id, name, description, dns },
    gatewayIp: gatewayIp === subnet.gatewayIp ? undefined : gatewayIp,
    dhcp: dhcp === subnet.dhcp ? undefined : dhcp,
    pool: samePool ? undefined : pool,
  }
}

const trimmed = (values: SubnetEditValues): SubnetEditValues => ({
  ...values,
  gateway: values.gateway.trim(),
  pool: { start: values.pool.start.trim(), end: values.pool.end.trim() },
})
