import { randomBytes } from 'node:crypto'
import { z } from 'zod'
import { projectOf } from '../../kernel/context.ts'
import { CloudError } from '../../kernel/errors.ts'
import { ensureDefaultSecurityGroup, findSecurityGroups } from '../../networking/service.ts'
import { HttpError } from '../../openstack/errors.ts'
import { links } from '../../openstack/fields.ts'
import type { Call } from '../../openstack/operation.ts'
import { boolean, objectAt, parse, whole } from '../../openstack/schema.ts'
import { type InstanceView, launchInput, tagsInput } from '../contract.ts'
import { launchInstances } from '../instances/launch.ts'
import { type Device, device, disksOf, type OldDevice, oldDevice } from './block-devices.ts'
import { boundMetadata, description, metadata, name } from './body.ts'
import { at } from './fields.ts'

const uuid = z.uuid('is not a UUID')
/** A reference: an id, or the whole address of the thing. */
const reference = z
  .string()
  .max(500)
  .transform((text) => text.split('/').at(-1) ?? '')
const nic = (minor: number) =>
  objectAt(minor, {
    uuid: uuid.optional(),
    port: uuid.nullish(),
    fixed_ip: z.ipv4().optional(),
    tag: { schema: z.string().max(60).optional(), since: 32, until: 36 },
    ...(minor >= 42 ? { tag: z.string().max(60).optional() } : {}),
  }) as z.ZodType<{ uuid?: string; port?: string | null; fixed_ip?: string; tag?: string }>
export type ServerWish = {
  name: string
  imageRef?: string
  flavorRef: string
  adminPass?: string
  metadata?: Record<string, string>
  networks?: 'auto' | 'none' | { uuid?: string; port?: string | null; fixed_ip?: string; tag?: string }[]
  'OS-DCF:diskConfig'?: 'AUTO' | 'MANUAL'
  accessIPv4?: string
  accessIPv6?: string
  availability_zone?: string
  block_device_mapping?: OldDevice[]
  block_device_mapping_v2?: Device[]
  config_drive?: boolean
  key_name?: string
  min_count?: number
  max_count?: number
  return_reservation_id?: boolean
  security_groups?: { name: string }[]
  user_data?: string
  personality?: unknown[]
  description?: string | null
  tags?: string[]
  trusted_image_certificates?: unknown[] | null
  host?: string
  hypervisor_hostname?: string
}

const server = (minor: number) =>
  objectAt(minor, {
    name,
    imageRef: z.union([z.literal('').transform(() => undefined), reference]).optional(),
    flavorRef: z.union([reference, z.int().transform(String)]),
    adminPass: z.string().max(255).optional(),
    metadata: metadata.optional(),
    networks:
      minor >= 37
        ? z.union([z.enum(['auto', 'none']), z.array(nic(minor)).max(8)])
        : z.array(nic(minor)).max(8).optional(),
    'OS-DCF:diskConfig': z.enum(['AUTO', 'MANUAL']).optional(),
    accessIPv4: z.union([z.ipv4(), z.literal('')]).optional(),
    accessIPv6: z.union([z.ipv6(), z.literal('')]).optional(),
    personality: { schema: z.array(z.unknown()).optional(), until: 56 },
    availability_zone: z.string().max(255).optional(),
    block_device_mapping: z.array(oldDevice).max(32).optional(),
    block_device_mapping_v2: z.array(device(minor)).max(32).optional(),
    config_drive: z
      .union([z.literal('').transform(() => false), boolean])
      .nullish()
      .transform((wish) => wish ?? false),
    key_name: z
      .string()
      .max(255)
      .nullish()
      .transform((text) => text ?? undefined),
    min_count: whole(1, 50).optional(),
    max_count: whole(1, 50).optional(),
    return_reservation_id: boolean.optional(),
    security_groups: z
      .array(z.object({ name: z.string().min(1).max(255) }))
      .max(20)
      .optional(),
    user_data: z
      .string()
      .max(90_000)
      .nullish()
      .transform((text) => text ?? undefined),
    description: { schema: description.optional(), since: 19 },
    tags: { schema: tagsInput.optional(), since: 52 },
    trusted_image_certificates: { schema: z.array(z.unknown()).nullish(), since: 63 },
    host: { schema: z.string().min(1).max(255).optional(), since: 74 },
    hypervisor_hostname: { schema: z.string().min(1).max(255).optional(), since: 74 },
  }) as z.ZodType<ServerWish>

const hints = z.looseObject({ group: uuid.optional() })
const creation = (minor: number) =>
  z.strictObject({
    server: server(minor),
    'os:scheduler_hints': hints.optional(),
    'OS-SCH-HNT:scheduler_hints': hints.optional(),
  })

/** Refuses features of Nova that this cloud does not have, before anything is made. */
function refuse(wish: ServerWish): void {
  const no = (sentence: string) => new HttpError(400, sentence)
  if (wish.personality?.length)
    throw no('Files are not put into guests. Use user_data, which every image of ours understands.')
  if (wish.trusted_image_certificates?.length)
    throw no('Certificates of images are not validated by this cloud.')
  if (wish.min_count !== undefined && wish.max_count !== undefined && wish.min_count > wish.max_count)
    throw no('min_count must be <= max_count')
}

/** Returns the id of the image that the body names. Throws 400 when there is none and no volume is the root disk either. */
function imageOf({ imageRef: id }: ServerWish, isRootVolume: boolean): string | undefined {
  if (id === undefined && isRootVolume) return undefined
  if (id === undefined) throw new HttpError(400, 'Missing imageRef attribute')
  if (!uuid.safeParse(id).success) throw new HttpError(400, `Invalid imageRef provided.`)
  return id
}

function nicsOf(wish: ServerWish): z.input<typeof launchInput>['nics'] {
  const { networks } = wish
  if (networks === undefined || networks === 'auto') return undefined
  if (networks === 'none') return []
  if (networks.length === 0) return undefined
  return networks.map((one) => {
    if (one.port) {
      if (one.fixed_ip !== undefined)
        throw new HttpError(400, 'A port has its address already: fixed_ip cannot be given with it.')
      return { portId: one.port }
    }
    if (one.uuid === undefined) throw new HttpError(400, 'A network needs a uuid or a port.')
    return { networkId: one.uuid, ...(one.fixed_ip === undefined ? {} : { address: one.fixed_ip }) }
  })
}

/** Makes a password of 12 characters, without characters that look alike, as Nova does. */
function newPassword(): string {
  const letters = 'abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789'
  return [...randomBytes(12)].map((byte) => letters[byte % letters.length]).join('')
}

export async function createServer(call: Call): Promise<object> {
  const body = parse(creation(call.minor), call.body)
  const wish = body.server
  refuse(wish)
  const groups = wish.security_groups?.map((group) => group.name) ?? []
  const hint = body['os:scheduler_hints'] ?? body['OS-SCH-HNT:scheduler_hints']
  const adminPass = wish.adminPass ?? newPassword()
  const { volumes, localDisks } = await disksOf(call, wish)
  const input = {
    name: wish.name,
    description: wish.description ?? '',
    imageId: imageOf(
      wish,
      volumes.some(({ boot }) => boot),
    ),
    volumes,
    localDisks,
    flavorId: wish.flavorRef,
    nics: nicsOf(wish),
    securityGroupIds: await groupIds(call, groups),
    keyName: wish.key_name,
    userData: wish.user_data,
    metadata: boundMetadata(wish.metadata ?? {}),
    tags: wish.tags ?? [],
    ...zoneOf(wish),
    accessIpv4: wish.accessIPv4 ?? '',
    accessIpv6: wish.accessIPv6 ?? '',
    configDrive: wish.config_drive ?? false,
    adminPass,
    diskConfig: wish['OS-DCF:diskConfig'] ?? 'MANUAL',
    serverGroupId: hint?.group,
  }
  const made = await launchBetween(call, input, wish)
  const [first] = made
  if (!first) throw new CloudError('internal', 'Something went wrong on our side.')
  if (wish.return_reservation_id) return { reservation_id: first.reservationId }
  call.reply.header('Location', `${at(call).self}/servers/${first.id}`)
  return {
    server: {
      id: first.id,
      links: links(at(call), `servers/${first.id}`),
      'OS-DCF:diskConfig': wish['OS-DCF:diskConfig'] ?? 'MANUAL',
      security_groups: groups.length === 0 ? [{ name: 'default' }] : groups.map((one) => ({ name: one })),
      adminPass,
    },
  }
}

/** Reads "zone", or "zone:host" as administrators wrote the place before there was the property host. */
function zoneOf(wish: ServerWish): { zone?: string; hostName?: string } {
  const [zone, host] = (wish.availability_zone ?? '').split(':')
  const hostName = wish.host ?? wish.hypervisor_hostname ?? host
  return { ...(zone ? { zone } : {}), ...(hostName ? { hostName } : {}) }
}

/**
 * Returns the ids of the groups. A body that names only "default" has named no group: ports are in that group anyway
 * where they are filtered (Nova drops the name, too).
 */
async function groupIds(call: Call, names: readonly string[]): Promise<string[]> {
  if (names.every((one) => one === 'default')) return []
  await ensureDefaultSecurityGroup(call.ctx, projectOf(call.ctx))
  const found = await findSecurityGroups(call.ctx, names)
  return names.map((one) => {
    const matching = found.filter((group) => group.id === one || group.name === one)
    const [group] = matching
    if (!group) throw new HttpError(400, `Security group ${one.slice(0, 100)} not found.`)
    if (matching.length > 1)
      throw new HttpError(
        409,
        `Multiple security_group matches found for name '${one.slice(0, 100)}', use an ID to be more specific.`,
      )
    return group.id
  })
}

/** Launches as many servers as quota and hosts have room for, between min_count and max_count. */
async function launchBetween(
  call: Call,
  input: z.input<typeof launchInput>,
  { min_count: min = 1, max_count: max = Math.max(min, 1) }: ServerWish,
): Promise<(InstanceView & { reservationId: string })[]> {
  try {
    // Before 2.37 a client did not have to say that there is to be no network.
    const orNoNetwork = call.minor < 37
    const way = { atLeast: min, inErrorWhenFull: true, orNoNetwork }
    const whole = parse(launchInput, { ...input, count: max }, novas)
    return (await launchInstances(call.ctx, whole, way)).instances
  } catch (error) {
    throw asNova(error)
  }
}

/** Nova's names of the fields of a launch. */
const novas: Record<string, string> = {
  ...{ imageId: 'imageRef', flavorId: 'flavorRef', keyName: 'key_name', userData: 'user_data' },
  ...{ nics: 'networks', networkIds: 'networks', securityGroupIds: 'security_groups', count: 'max_count' },
  ...{ sizeGib: 'volume_size', type: 'volume_type', device: 'device_name' },
  ...{ zone: 'availability_zone', hostName: 'host', serverGroupId: 'group', configDrive: 'config_drive' },
  ...{ accessIpv4: 'accessIPv4', accessIpv6: 'accessIPv6', diskConfig: 'OS-DCF:diskConfig' },
}
/** The fields that Nova names in its sentence: "Invalid key_name provided." */
const named = new Set(['imageId', 'flavorId', 'keyName', 'userData'])

/**
 * Translates errors to those of Nova: when a body names a thing that does not exist or cannot be used, the answer is
 * 400, not 404, and the field has Nova's name.
 */
function asNova(error: unknown): unknown {
  if (!(error instanceof CloudError)) return error
  const { code, field, message } = error
  if (field !== null && named.has(field) && ['invalid_input', 'not_found', 'conflict'].includes(code))
    return new HttpError(400, `Invalid ${novas[field]} provided. ${message}`, { cause: error })
  if (field === 'volumes' && ['invalid_input', 'not_found', 'conflict'].includes(code))
    return new HttpError(400, `Block Device Mapping is Invalid: ${message}`, { cause: error })
  return code === 'not_found' ? new HttpError(400, message, { cause: error }) : error
}
