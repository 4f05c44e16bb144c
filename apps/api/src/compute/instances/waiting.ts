import {
  absenceOf,
  hearing,
  namesOf,
  type Standing,
  standingsOf,
  type ThingName,
  type Unconfirmed,
  unconfirmedOf,
} from '../../hosts/service.ts'
import { type Ctx, seesAll } from '../../kernel/context.ts'
import { invariant, toCloudError } from '../../kernel/errors.ts'
import { documentsOfInstance, routerNews } from '../../networking/service.ts'
import type { InstanceWaiting, WaitingPart } from '../contract.ts'
import { type InstanceRow, loadInstance } from './instance-row.ts'

/**
 * Returns the parts of the wish for an instance that its host has not confirmed, since when and why; no parts when all
 * is confirmed. For everybody who may read the instance. Costs three queries when all is confirmed, a constant number
 * otherwise.
 */
export async function instanceWaiting(ctx: Ctx, { id }: { id: string }): Promise<InstanceWaiting> {
  const row = await loadInstance(ctx, 'compute:get_instance', id)
  if (row.hostId === null) return { host: null, parts: [] }
  const things = await documentsOfInstance(ctx, id)
  const late = await unconfirmedOf(ctx, row.hostId, [{ kind: 'instance', thing: id }, ...things])
  if (late.length === 0) return { host: null, parts: [] }
  const [host] = await standingsOf(ctx, [row.hostId])
  invariant(host, 'an instance is on a host that there is')
  const { standing } = host
  const silentSince = absenceOf(standing) === null ? null : (host.lastSeenAt ?? new Date(0))
  const about = await aboutOf(ctx, { ...row, hostId: row.hostId }, late, silentSince)
  return {
    host: seesAll(ctx) ? { id: host.id, name: host.name } : null,
    parts: late.flatMap((one) => about(one).map((its) => ({ ...its, ...whyOf(ctx, one, standing) }))),
  }
}

type About = Pick<
  WaitingPart,
  'kind' | 'thing' | 'name' | 'floatingIps' | 'released' | 'itself' | 'wanted' | 'since'
>
/** The time that telling a host takes, and the beat after which a confirmation is written down. */
const slackMs = 1_000

/**
 * Returns the names that the caller may see: of all things, or of things of the instance's project. A router is left
 * out when the host lacks only changes for other instances.
 */
async function aboutOf(
  ctx: Ctx,
  row: InstanceRow & { hostId: string },
  late: readonly Unconfirmed[],
  silentSince: Date | null,
): Promise<(one: Unconfirmed) => About[]> {
  const names = new Map<string, ThingName>()
  for (const [kind, list] of Map.groupBy(late, (one) => one.kind)) {
    const ids = list.map((one) => one.thing)
    for (const [id, name] of await namesOf(ctx, kind, ids)) names.set(id, name)
  }
  const routers = late.filter((one) => one.kind === 'router')
  // A host that answers, or that has refused, lacks all changes of the router, also those that were asked for before
  // the newest change.
  const missedFrom = (one: Unconfirmed) =>
    silentSince === null || one.error || one.waitsFor
      ? new Date(0)
      : new Date(Math.min(one.since.getTime(), silentSince.getTime()) - slackMs)
  const news = await routerNews(ctx, row, new Map(routers.map((one) => [one.thing, missedFrom(one)])))
  return ({ kind, thing, wanted, since }) => {
    const named = names.get(thing)
    const isSeen = named !== undefined && (seesAll(ctx) || named.projectId === row.projectId)
    const its = news.find((one) => kind === 'router' && one.routerId === thing)
    const { led = [], itself = true } = its ?? {}
    const released = isSeen ? (its?.released ?? []) : []
    if (!itself && led.length + released.length === 0) return []
    return [
      {
        kind,
        thing: isSeen ? thing : null,
        name: isSeen ? named.name : null,
        floatingIps: led,
        released,
        itself,
        wanted,
        since: since.toISOString(),
      },
    ]
  }
}

function whyOf(
  ctx: Ctx,
  { wanted, error, waitsFor, dueAt }: Unconfirmed,
  host: Standing,
): Pick<WaitingPart, 'why' | 'message' | 'detail' | 'nextTryAt'> {
  const nothing = { message: null, detail: null, nextTryAt: null }
  const heard = hearing(host, { wanted })
  if (heard !== 'now') return { ...nothing, why: heard }
  // The host is asked again and again, and its earlier error does not explain why the answer takes so long.
  if (absenceOf(host) === 'missing') return { ...nothing, why: 'missing' }
  if (!error) return { ...nothing, why: waitsFor ? 'working' : 'telling', message: waitsFor }
  const { message, detail } = toCloudError(error)
  return {
    why: 'refused',
    message,
    detail: seesAll(ctx) ? detail : null,
    nextTryAt: dueAt?.toISOString() ?? null,
  }
}
