import type { Ctx } from '../kernel/context.ts'
import { authorize } from '../kernel/policy.ts'
import { type CatalogEntry, catalogFor, catalogOf, type Endpoint } from '../openstack/services.ts'
import { type AccessView, urlMarks } from './contract.ts'

type Holder = { projectId: string | null; userId: string }

/** What the caller's token shows. */
export async function ownCatalog(ctx: Ctx): Promise<CatalogEntry[]> {
  authorize(ctx, 'catalog:own')
  const projectId = ctx.scope.kind === 'project' ? ctx.scope.projectId : null
  return catalogFor(ctx, { projectId, userId: ctx.actor.userId })
}

/** What somebody needs for openrc and clouds.yaml. */
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
  id: string | null
  interface: Endpoint['interface']
  url: string
  regionId: string | null
}

/** The cloud's own catalog with what administrators added and enabled. One query. */
export async function wholeCatalog(ctx: Ctx, holder: Holder): Promise<CatalogEntry[]> {
  const catalog = catalogOf(ctx.deps.config, holder.projectId)
  const rows = await ctx.db.$queryRaw<Added[]>`
    SELECT COALESCE(s."id", e."serviceId") AS "serviceId", s."type", s."name", e."id", e."interface", e."url", e."regionId"
    FROM "CatalogService" s FULL JOIN (SELECT * FROM "CatalogEndpoint" WHERE "enabled") e ON e."serviceId" = s."id"
    WHERE s."enabled" IS NOT FALSE ORDER BY s."createdAt", e."createdAt"`
  const entries = new Map(catalog.map((entry) => [entry.id, entry]))
  for (const row of rows) {
    const entry =
      entries.get(row.serviceId) ??
      (row.type === null ? null : { endpoints: [], id: row.serviceId, type: row.type, name: row.name ?? '' })
    if (entry === null) continue
    entries.set(row.serviceId, entry)
    const endpoint = endpointFor(row, holder)
    if (endpoint) entry.endpoints.push(endpoint)
  }
  return [...entries.values()]
}

/** With its marks filled in; none where a project's id is wanted and there is no project. */
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
