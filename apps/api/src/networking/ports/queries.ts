import type { Prisma } from '@stratolith/db'
import { hostRefs } from '../../hosts/service.ts'
import { type Ctx, seesAll } from '../../kernel/context.ts'
import { notFound } from '../../kernel/errors.ts'
import { type Ask, found, likeLiteral, type Slice } from '../../kernel/page.ts'
import { authorize } from '../../kernel/policy.ts'
import { ownedScope } from '../owner.ts'
import {
  column,
  type FindInput,
  flag,
  type NetworkingWhere,
  neutronAsk,
  queryRows,
  type Searchable,
  standardSearch,
  standardSort,
  uuidColumn,
} from '../queries.ts'

const include = {
  addresses: { select: { subnetId: true, address: true }, orderBy: { address: 'asc' } },
  securityGroups: { select: { groupId: true }, orderBy: { groupId: 'asc' } },
} satisfies Prisma.PortInclude
type Row = Prisma.PortGetPayload<{ include: typeof include }>
/** `host` is the name of the port's host; it is shown to administrators only. */
export type PortRecord = Row & { host: string | null }

/** The conditions for one of a port's addresses; of each condition one value must match. */
export type AddressWish = { subnetIds?: string[]; addresses?: string[]; substrings?: string[] }

const searchable: Searchable = {
  ...standardSearch,
  networkId: uuidColumn('networkId'),
  mac: column('mac'),
  adminUp: flag({ adminUp: true }),
  portSecurity: flag({ portSecurity: true }),
  state: column('state'),
  deviceId: column('deviceId'),
  deviceOwner: column('deviceOwner'),
  securityGroups: (any) => ({ securityGroups: { some: uuidColumn('groupId')(any) } }),
  fixedIps: (any) => ({ AND: any.map((wish) => addressSearch(wish as AddressWish)) }),
}
const sortable = new Set([...standardSort, 'networkId', 'mac', 'adminUp', 'state', 'deviceId', 'deviceOwner'])

const addressSearch = ({ subnetIds, addresses, substrings }: AddressWish): object => ({
  addresses: {
    some: {
      ...(subnetIds ? uuidColumn('subnetId')(subnetIds) : {}),
      ...(addresses ? { address: { in: addresses } } : {}),
      ...(substrings ? { OR: substrings.map((text) => ({ address: { contains: likeLiteral(text) } })) } : {}),
    },
  },
})

/** Conditions for the ports that a thing of this kind has. */
const ownersOf = {
  instance: { deviceOwner: { startsWith: 'compute:' } },
  router: { deviceOwner: { in: ['network:router_interface', 'network:router_gateway'] } },
  floatingIp: { deviceOwner: 'network:floatingip' },
  free: { deviceOwner: '' },
}

type PortWhere = NetworkingWhere & {
  networkId?: string
  deviceId?: string
  securityGroupId?: string
  use?: keyof typeof ownersOf
}

/**
 * Ports as the portal, OpenStack's clients and exports list them; `its` includes the related rows that the door
 * shows.
 */
export async function queryPorts<Row extends { id: string }>(
  ctx: Ctx,
  ask: Ask<PortWhere>,
  its: Prisma.PortInclude,
  more: Searchable = {},
): Promise<Slice<Row>> {
  authorize(ctx, 'port:list')
  const { networkId, deviceId, securityGroupId: groupId, use, search } = ask.where
  return queryRows<Row>(
    ctx.db.port,
    {
      ...{ kind: 'port', scope: ownedScope(ctx, ask.where), include: its },
      searchable: { ...searchable, ...more },
      also: [
        { networkId, deviceId },
        groupId ? { securityGroups: { some: { groupId } } } : {},
        use ? ownersOf[use] : {},
        search ? { OR: searched(search) } : {},
      ],
    },
    ask,
  )
}

/** The search by name, ID, MAC address, or an address of the port. */
const searched = (text: string): object[] => [
  ...found(text),
  ...(/^[\da-f]{2}(:[\da-f]{2}){5}$/i.test(text) ? [{ mac: text.toLowerCase() }] : []),
  ...(/^[\da-f.:]+$/i.test(text)
    ? [{ addresses: { some: { address: { startsWith: likeLiteral(text) } } } }]
    : []),
]

/** Returns the project's own ports; administrators see all, those of routers and floating IPs too. */
export async function findPorts(ctx: Ctx, input: FindInput): Promise<PortRecord[]> {
  const hosts = seesAll(ctx) ? await hostRefs(ctx) : []
  const ask = neutronAsk(sortable, input, { allProjects: seesAll(ctx) })
  const { rows } = await queryPorts<Row>(ctx, ask, include, hostSearch(ctx, hosts))
  const nameOf = new Map(hosts.map((host) => [host.id, host.name]))
  return rows.map((row) => ({ ...row, host: row.hostId ? (nameOf.get(row.hostId) ?? '') : null }))
}

/** The filter by the host's name; for callers who may not see hosts it finds nothing. */
const hostSearch = (ctx: Ctx, hosts: { id: string; name: string }[]): Searchable => ({
  host: (any) => {
    if (!seesAll(ctx)) return { id: { in: [] } }
    const ids = hosts.filter((host) => any.includes(host.name)).map((host) => host.id)
    return any.includes('') ? { OR: [{ hostId: { in: ids } }, { hostId: null }] } : { hostId: { in: ids } }
  },
})

export async function findPort(ctx: Ctx, id: string): Promise<PortRecord> {
  const [row] = await findPorts(ctx, { where: [{ field: 'id', any: [id] }] })
  if (!row) throw notFound('port', id)
  authorize(ctx, 'port:get', { projectId: row.projectId })
  return row
}
