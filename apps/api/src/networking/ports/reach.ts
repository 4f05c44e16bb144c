import { whyClosed } from '../../hosts/service.ts'
import type { Ctx } from '../../kernel/context.ts'
import { loadPort } from './service.ts'

export type Hop = { what: string; ok: boolean; reason: string | null }
/** `closed`: the host itself lets nothing in, so nothing that the project may change helps. */
export type Reach = { ok: boolean; closed: boolean; hops: Hop[] }
type Question = { portId: string; protocol: 'tcp' | 'udp' | 'icmp'; port?: number }

/** Answers whether the world can reach this port of the guest, hop by hop, with what to do where it cannot. */
export async function explainReach(ctx: Ctx, question: Question): Promise<Reach> {
  const port = await loadPort(ctx, 'port:get', question.portId)
  const wanted = question.protocol === 'icmp' ? 'ping' : `${question.port ?? 'any'}/${question.protocol}`
  const fip = port.floatingIps[0]
  const router = await ctx.db.port.findFirst({
    where: { networkId: port.networkId, deviceOwner: 'network:router_interface' },
    select: { deviceId: true },
  })
  const gateway = router
    ? await ctx.db.router.findUnique({
        where: { id: router.deviceId },
        select: { name: true, externalAddress: true },
      })
    : null
  const rules = await ctx.db.securityGroupRule.findMany({
    where: {
      groupId: { in: port.securityGroups.map((s) => s.groupId) },
      direction: 'ingress',
      ethertype: 'IPv4',
    },
  })
  const closed = await whyClosed(ctx, port.hostId)
  const open = rules.some((rule) => !rule.remoteGroupId && ruleOpens(rule, question))
  const hops: Hop[] = [
    ...(closed ? [hop('the host', false, closed)] : []),
    hop(
      'router',
      Boolean(gateway?.externalAddress),
      `Network “${port.network.name}” has no router with a way out. Attach one under Networks.`,
    ),
    hop('floating IP', Boolean(fip), 'It has no floating IP. Associate one.'),
    hop(
      `security groups let ${wanted} in`,
      open,
      `No rule of ${port.securityGroups.map((s) => `“${s.group.name}”`).join(', ') || 'any group'} lets ${wanted} in. Add a rule.`,
    ),
    hop('port is up', port.state === 'active', port.errorMessage ?? `The port is ${port.state}.`),
  ]
  return { ok: hops.every((h) => h.ok), closed: closed !== null, hops }
}

/** Answers whether an ingress rule lets the world in; plans ask before there is a port. */
export function ruleOpens(
  rule: {
    protocol: string | null
    portMin: number | null
    portMax: number | null
    remoteCidr: string | null
  },
  question: { protocol: string; port?: number },
): boolean {
  if (rule.remoteCidr !== null) return false
  if (rule.protocol !== null && rule.protocol !== question.protocol) return false
  // For ICMP, portMin and portMax are type and code; a ping is an echo request, type 8 and code 0.
  if (rule.protocol === 'icmp') return [null, 8].includes(rule.portMin) && [null, 0].includes(rule.portMax)
  if (rule.portMin === null || question.port === undefined) return true
  return question.port >= rule.portMin && question.port <= (rule.portMax ?? rule.portMin)
}

const hop = (what: string, ok: boolean, reason: string): Hop => ({ what, ok, reason: ok ? null : reason })
