import type { Prisma } from '@stratolith/db'
import { hostRefs } from '../../hosts/service.ts'
import { type Ctx, listScope, seesAll } from '../../kernel/context.ts'
import { notFound } from '../../kernel/errors.ts'
import { likeLiteral } from '../../kernel/page.ts'
import { authorize } from '../../kernel/policy.ts'
import {
  column,
  type FindInput,
  findRows,
  flag,
  type Searchable,
  standardSearch,
  standardSort,
  uuidColumn,
} from '../find.ts'

const include = {
  addresses: { select: { subnetId: true, address: true }, orderBy: { address: 'asc' } },
  securityGroups: { select: { groupId: true }, orderBy: { groupId: 'asc' } },
} satisfies Prisma.PortInclude
type Row = Prisma.PortGetPayload<{ include: typeof include }>
/** `host` is the name of its host; for administrators alone. */
export type PortRecord = Row & { host: string | null }

/** What one of a port's addresses must be, each with all of the values that do. */
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

/** The project's own; administrators see all, those of routers and floating IPs too. */
export async function findPorts(ctx: Ctx, input: FindInput): Promise<PortRecord[]> {
  authorize(ctx, 'port:list')
  const hosts = seesAll(ctx) ? await hostRefs(ctx) : []
  const rows = await findRows<Row>(
    ctx.db.port,
    {
      kind: 'port',
      scope: listScope(ctx, { allProjects: seesAll(ctx) }),
      include,
      sortable,
      searchable: { ...searchable, ...hostSearch(ctx, hosts) },
    },
    input,
  )
  const nameOf = new Map(hosts.map((host) => [host.id, host.name]))
  return rows.map((row) => ({ ...row, host: row.hostId ? (nameOf.get(row.hostId) ?? '') : null }))
}

/** By the host's name; where that is not the caller's to see, nothing is found by it. */
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
