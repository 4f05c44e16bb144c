import type { Ctx } from '../kernel/context.ts'
import { authorize } from '../kernel/policy.ts'
import { type CatalogEntry, catalogFor, catalogOf, type Endpoint } from '../openstack/services.ts'
import { type AccessView, urlMarks } from './contract.ts'
import { type Associations, associated } from './filters/matching.ts'

type Holder = { projectId: string | null; userId: string }

/** The catalog in the caller's token. */
export async function ownCatalog(ctx: Ctx): Promise<CatalogEntry[]> {
  authorize(ctx, 'catalog:own')
  const projectId = ctx.scope.kind === 'project' ? ctx.scope.projectId : null
  return catalogFor(ctx, { projectId, userId: ctx.actor.userId })
}

/** The data for the files openrc and clouds.yaml. */
export async function access(ctx: Ctx): Promise<AccessView> {
  const { publicUrl, region } = ctx.deps.config
  const endpoints = (await ownCatalog(ctx)).flatMap(({ name, type, endpoints: all }) =>
    all.filter((e) => e.interface === 'public').map(({ url }) => ({ service: name, type, url })),
  )
  return { authUrl: `${publicUrl}/identity/v3`, region, endpoints }
}

type Added = {
  serviceId: string
  type: string | null
  name: string | null
  /** The endpoint's id; null when the service has no endpoint. */
  id: string | null
  interface: Endpoint['interface']
  url: string
  regionId: string | null
  /** Whether the endpoint and its service are enabled. */
  enabled: boolean
  serviceEnabled: boolean
}

/**
 * The cloud's own catalog with the enabled services that administrators have added. A project that is associated with
 * endpoints gets only these. One query.
 */
export async function wholeCatalog(ctx: Ctx, holder: Holder): Promise<CatalogEntry[]> {
  const { added, ...associations } = await facts(ctx, holder.projectId)
  const entries = new Map(catalogOf(ctx.deps.config, holder.projectId).map((entry) => [entry.id, entry]))
  const seen = visibleIds(associations, [...entries.values()], added)
  for (const row of added) {
    if (!row.serviceEnabled) continue
    const entry =
      entries.get(row.serviceId) ??
      (row.type === null ? null : { endpoints: [], id: row.serviceId, type: row.type, name: row.name ?? '' })
    if (entry === null) continue
    entries.set(row.serviceId, entry)
    const endpoint = row.enabled ? endpointFor(row, holder) : null
    if (endpoint) entry.endpoints.push(endpoint)
  }
  if (seen === null) return [...entries.values()]
  return [...entries.values()]
    .map((entry) => ({ ...entry, endpoints: entry.endpoints.filter((one) => seen.has(one.id)) }))
    .filter((entry) => entry.endpoints.length > 0)
}

async function facts(ctx: Ctx, projectId: string | null): Promise<Associations & { added: Added[] }> {
  const [row] = await ctx.db.$queryRaw<(Associations & { added: Added[] })[]>`
    SELECT (SELECT COALESCE(json_agg(a), '[]') FROM (
        SELECT COALESCE(s."id", e."serviceId") AS "serviceId", s."type", s."name", e."id", e."interface", e."url", e."regionId",
          COALESCE(e."enabled", false) AS "enabled", s."enabled" IS NOT FALSE AS "serviceEnabled"
        FROM "CatalogService" s FULL JOIN "CatalogEndpoint" e ON e."serviceId" = s."id"
        ORDER BY s."createdAt", e."createdAt") a) AS "added",
      (SELECT COALESCE(json_agg(p."endpointId"), '[]') FROM "ProjectEndpoint" p
        WHERE p."projectId" = ${projectId}) AS "endpoints",
      (SELECT COALESCE(json_agg(g."filters"), '[]') FROM "ProjectEndpointGroup" p
        JOIN "EndpointGroup" g ON g."id" = p."endpointGroupId" WHERE p."projectId" = ${projectId}) AS "filters"`
  return row ?? { added: [], endpoints: [], filters: [] }
}

/** The ids of the endpoints with which the project is associated; null, which means all, when it has no association. */
function visibleIds(
  associations: Associations,
  own: readonly CatalogEntry[],
  added: readonly Added[],
): ReadonlySet<string> | null {
  if (associations.endpoints.length + associations.filters.length === 0) return null
  const all = [
    ...own.flatMap(({ id: serviceId, endpoints }) =>
      endpoints.map((e) => ({ id: e.id, serviceId, regionId: e.region_id, interface: e.interface })),
    ),
    ...added.flatMap((row) => (row.id === null ? [] : [{ ...row, id: row.id }])),
  ]
  const ids = associated(associations, all).map((one) => one.id)
  return ids.length === 0 ? null : new Set(ids)
}

/** The endpoint with the caller's ids in its address; null when the address needs a project and there is none. */
function endpointFor({ id, url, regionId, ...row }: Added, holder: Holder): Endpoint | null {
  if (id === null) return null
  const values: Record<string, string | null> = {
    project_id: holder.projectId,
    tenant_id: holder.projectId,
    user_id: holder.userId,
  }
  let complete = true
  const filled = url.replace(urlMarks, (_, mark: string) => {
    const value = values[mark] ?? null
    if (value === null) complete = false
    return value ?? ''
  })
  if (!complete) return null
  return { id, interface: row.interface, region_id: regionId, url: filled, region: regionId }
}
