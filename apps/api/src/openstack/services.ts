import { createHash } from 'node:crypto'
import type { Config } from '../kernel/config.ts'
import type { Ctx } from '../kernel/context.ts'

/** A service of the cloud; a façade registers its service when it is mounted. */
export type CloudService = {
  /** The type, such as "compute". */
  type: string
  /** The name, such as "nova". */
  name: string
  /** The path below the public URL, such as "/compute/v2.1" or "/volume/v3/{project_id}". */
  path: string
}
export type Endpoint = {
  id: string
  interface: 'public' | 'internal' | 'admin'
  region: string | null
  region_id: string | null
  url: string
}
export type CatalogEntry = { id: string; type: string; name: string; endpoints: Endpoint[] }

const services = new Map<string, CloudService>()
const projectMark = '{project_id}'

export function registerService(service: CloudService): void {
  services.set(service.type, service)
}
export const allServices = (): CloudService[] =>
  [...services.values()].sort((a, b) => a.type.localeCompare(b.type))

/** An id that is the same in every process and after every start, without a table. */
const stableId = (...parts: string[]) =>
  createHash('sha256').update(parts.join('\n')).digest('hex').slice(0, 32)
export const serviceId = (service: CloudService): string => stableId('service', service.type)

/**
 * The endpoints of a service in the three interfaces. With a project, its id is filled in; with null, a service whose
 * path needs a project has no endpoints; with "template", the mark stays in Keystone's notation.
 */
export function endpointsOf(
  config: Pick<Config, 'publicUrl' | 'region'>,
  service: CloudService,
  project: { id: string } | 'template' | null,
): Endpoint[] {
  if (project === null && service.path.includes(projectMark)) return []
  const filling = project === 'template' ? '%(project_id)s' : (project?.id ?? '')
  const url = config.publicUrl + service.path.replaceAll(projectMark, () => filling)
  return (['admin', 'internal', 'public'] as const).map((name) => ({
    id: stableId('endpoint', service.type, name),
    interface: name,
    region_id: config.region,
    url,
    region: config.region,
  }))
}

/** The cloud's own services in a token, with the addresses for the token's project (null: no project). */
export function catalogOf(
  config: Pick<Config, 'publicUrl' | 'region'>,
  projectId: string | null,
): CatalogEntry[] {
  return allServices().map((service) => ({
    endpoints: endpointsOf(config, service, projectId === null ? null : { id: projectId }),
    id: serviceId(service),
    type: service.type,
    name: service.name,
  }))
}

type CatalogSource = (
  ctx: Ctx,
  holder: { projectId: string | null; userId: string },
) => Promise<CatalogEntry[]>
let source: CatalogSource = async (ctx, { projectId }) => catalogOf(ctx.deps.config, projectId)
/** The room `catalog` registers here the function that adds the services of administrators. */
export function useCatalog(used: CatalogSource): void {
  source = used
}

/** The catalog of a token: the cloud's own services and added ones, with the addresses for the token's holder. */
export const catalogFor: CatalogSource = (ctx, holder) => source(ctx, holder)
