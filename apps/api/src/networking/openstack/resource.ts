import { z } from 'zod'
import { type Ctx, inTransaction, isAdmin, seesAll } from '../../kernel/context.ts'
import { CloudError, notFound } from '../../kernel/errors.ts'
import type { ApiOperation, Call } from '../../openstack/operation.ts'
import { ownerOf } from '../owner.ts'
import type { FindInput } from '../queries.ts'
import type { Revisioned } from '../revision.ts'
import { ownerNamed, readBody, unwrap } from './body.ts'
import { asNeutron } from './errors.ts'
import { type Attributes, findInput, pageLinks, type Specials, valuesOf } from './query.ts'
import { requireRevision, withRevision } from './revisions.ts'

/** One kind of thing of Neutron's API, from which its five operations are made. */
export type Resource<Post extends z.ZodObject, Put extends z.ZodObject, Row> = {
  /** The key in bodies: "security_group". */
  name: string
  /** The key in lists: "security_groups". */
  collection: string
  /** The path of the list: "/security-groups". */
  path: string
  /** The words for sentences and for the names of errors: "security group". */
  kind: string
  attributes: Attributes
  specials?: Specials
  post?: Post
  put?: Put
  find: (ctx: Ctx, input: FindInput) => Promise<Row[]>
  one: (ctx: Ctx, id: string) => Promise<Row>
  views: (ctx: Ctx, rows: readonly Row[]) => Promise<Record<string, unknown>[]> | Record<string, unknown>[]
  /** Makes a thing and returns its ID. */
  create?: (ctx: Ctx, input: z.output<Post>) => Promise<string>
  update?: (ctx: Ctx, id: string, input: z.output<Put>) => Promise<unknown>
  remove?: (ctx: Ctx, id: string) => Promise<unknown>
  /** The table of the rows, when the rows have revisions: If-Match locks a row until the transaction ends. */
  table?: Revisioned
  access?: Partial<Record<'list' | 'get' | 'create' | 'update' | 'delete', Partial<ApiOperation>>>
}

/** Returns the ID in a path. Throws the kind's not_found for text that is no UUID. */
export function idOf({ params }: Pick<Call, 'params'>, kind: string, name = 'id'): string {
  const id = params[name] ?? ''
  if (!z.uuid().safeParse(id).success) throw notFound(kind, id)
  return id.toLowerCase()
}

/** Makes an operation whose errors are Neutron's. Handlers check IDs by idOf, which knows the kind of the thing. */
export function operation(
  spec: Omit<ApiOperation, 'handle'> & { handle: (call: Call) => Promise<unknown> },
): ApiOperation {
  const parameters = [...spec.path.matchAll(/:([a-z_]+)/g)].map((match) => match[1] ?? '')
  return {
    ...spec,
    ...(parameters.length > 0 ? { names: parameters } : {}),
    handle: (call) =>
      spec.handle(call).catch((error: unknown) => {
        throw asNeutron(error)
      }),
  }
}

/**
 * Returns the part of a view that a caller sees: the fields that were asked for; administrators' fields only with
 * `all`.
 */
function shown(
  view: Record<string, unknown>,
  fields: readonly string[],
  all: boolean,
): Record<string, unknown> {
  const entries = Object.entries(view).filter(
    ([key]) => (all || !adminOnly.test(key)) && (fields.length === 0 || fields.includes(key)),
  )
  return Object.fromEntries(entries)
}
const adminOnly = /^(provider:|binding:(?!vnic_type$))/

/**
 * Only administrators may set the fields that only administrators see; others get 403 before any other fault of the
 * body is looked for.
 */
function refuseAdminOnly(ctx: Ctx, item: unknown): void {
  const name = Object.keys(item ?? {}).find((key) => adminOnly.test(key))
  if (name !== undefined && !isAdmin(ctx))
    throw new CloudError('forbidden', `Only an administrator may set ${name.slice(0, 60)}.`)
}

export function operationsOf<Post extends z.ZodObject, Put extends z.ZodObject, Row>(
  resource: Resource<Post, Put, Row>,
): ApiOperation[] {
  const { name, collection, path, kind } = resource
  const [words, many] = [kind, collection.replaceAll('_', ' ')]
  const present = async (ctx: Ctx, rows: readonly Row[], fields: readonly string[] = []) =>
    (await resource.views(ctx, rows)).map((view) => shown(view, fields, seesAll(ctx)))
  const made = async (ctx: Ctx, id: string) => (await present(ctx, [await resource.one(ctx, id)]))[0]
  const list = async ({ ctx, deps, query, request }: Call) => {
    const input = findInput(resource.attributes, resource.specials ?? {}, query)
    const rows = await resource.find(ctx, input)
    const links = pageLinks(deps.config.publicUrl, request.url, input, rows as { id?: unknown }[])
    return {
      [collection]: await present(ctx, rows, valuesOf(query, 'fields')),
      ...(links ? { [`${collection}_links`]: links } : {}),
    }
  }
  const operations = [
    operation({
      name: `${collection}.list`,
      method: 'GET',
      path,
      summary: `List ${many}`,
      status: 200,
      access: 'list',
      ...resource.access?.list,
      handle: list,
    }),
    operation({
      name: `${collection}.get`,
      method: 'GET',
      path: `${path}/:id`,
      summary: `Show a ${words}`,
      status: 200,
      access: 'read',
      ...resource.access?.get,
      handle: async (call) => {
        const row = await resource.one(call.ctx, idOf(call, kind))
        return { [name]: (await present(call.ctx, [row], valuesOf(call.query, 'fields')))[0] }
      },
    }),
  ]
  return [...operations, ...writes(resource, made)]
}

function writes<Post extends z.ZodObject, Put extends z.ZodObject, Row>(
  resource: Resource<Post, Put, Row>,
  made: (ctx: Ctx, id: string) => Promise<unknown>,
): ApiOperation[] {
  const { name, collection, path, kind, post, put, create, update, remove } = resource
  const operations: ApiOperation[] = []
  if (post && create)
    operations.push(
      operation({
        name: `${collection}.create`,
        method: 'POST',
        path,
        summary: `Create a ${kind}, or many at once (all or none)`,
        status: 201,
        access: 'create',
        ...resource.access?.create,
        handle: async ({ ctx, body }) => {
          const { many, items } = unwrap(resource, body)
          const inputs = items.map((item) => {
            refuseAdminOnly(ctx, item)
            return readBody(resource, post, 'POST', item)
          })
          return inTransaction(ctx, async (tx) => {
            const views: unknown[] = []
            for (const input of inputs) {
              // Another project is refused here, even where the new thing belongs to its parent's project in any case.
              const named = ownerNamed(input)
              if (named !== undefined) await ownerOf(tx, named)
              views.push(await made(tx, await create(tx, input)))
            }
            return many ? { [collection]: views } : { [name]: views[0] }
          })
        },
      }),
    )
  if (put && update)
    operations.push(
      operation({
        name: `${collection}.update`,
        method: 'PUT',
        path: `${path}/:id`,
        summary: `Update a ${kind}`,
        status: 200,
        access: 'write',
        ...resource.access?.update,
        handle: async (call) => {
          const id = idOf(call, kind)
          const [item] = unwrap({ name, collection: '' }, call.body).items
          return inTransaction(call.ctx, async (tx) => {
            // A thing that the caller cannot see is a 404, whatever the body says.
            await resource.one(tx, id)
            await requireRevision(resource, { ...call, ctx: tx }, id)
            refuseAdminOnly(tx, item)
            await update(tx, id, readBody(resource, put, 'PUT', item))
            return { [name]: await made(tx, id) }
          })
        },
      }),
    )
  if (remove)
    operations.push(
      operation({
        name: `${collection}.delete`,
        method: 'DELETE',
        path: `${path}/:id`,
        summary: `Delete a ${kind}`,
        status: 204,
        access: 'write',
        ...resource.access?.delete,
        handle: async (call) => {
          const id = idOf(call, kind)
          await withRevision(resource, call, id, ({ ctx }) => remove(ctx, id))
        },
      }),
    )
  return operations
}
