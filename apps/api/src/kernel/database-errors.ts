import type { ErrorCode } from './contract.ts'

/**
 * This file alone turns refusals of PostgreSQL into answers. A service checks first and has the better sentence; a
 * request that passes the check but loses a race gets the sentence from here.
 */

/** The subject of the sentence "… exists already." for each unique constraint. A test compares this with the real schema. */
export const taken: Readonly<Record<string, string>> = {
  Host_name_key: 'A host with this name',
  Host_number_key: 'A host with this number',
  Aggregate_uuid_key: 'An aggregate with this id',
  Aggregate_name_key: 'An aggregate with this name',
  AggregateHost_pkey: 'This host in the aggregate',
  Stray_hostId_kind_thing_key: 'This unknown thing on the host',
  Brake_hostId_kind_key: 'This brake of the host',
  Flavor_pkey: 'A flavor with this id',
  Flavor_name_key: 'A flavor with this name',
  FlavorAccess_pkey: 'Access of this project to this flavor',
  KeyPair_userId_name_key: 'A key pair with this name',
  Instance_projectId_clientToken_launchIndex_key: 'An instance made by the same request',
  ConsoleToken_sessionId_key: 'A console of this session',
  Domain_name_key: 'A domain with this name',
  Project_domainId_name_key: 'A project with this name',
  User_domainId_name_key: 'A user with this name',
  User_domainId_externalId_key: 'This user of the directory',
  Group_domainId_name_key: 'A group with this name',
  Group_domainId_externalId_key: 'This group of the directory',
  GroupMember_pkey: 'This membership',
  Role_domainKey_name_key: 'A role with this name',
  RoleAssignment_key_key: 'This role assignment',
  ImpliedRole_pkey: 'This rule of implied roles',
  Token_auditId_key: 'A token with this audit id',
  RecoveryCode_userId_position_key: 'This recovery code',
  Credential_pkey: 'A credential with this id',
  Credential_accessKey_key: 'A credential with this access key',
  ApplicationCredential_userId_name_key: 'An application credential with this name',
  AccessRule_pkey: 'An access rule with this id',
  AccessRule_userId_service_method_path_key: 'This access rule',
  CatalogRegion_pkey: 'A region with this id',
  Limit_registeredLimitId_projectId_key: 'This limit of the project',
  Limit_registeredLimitId_domainId_key: 'This limit of the domain',
  ProjectEndpoint_pkey: 'This association of the project with the endpoint',
  ProjectEndpointGroup_pkey: 'This association of the project with the endpoint group',
  Image_pkey: 'An image with this id',
  ImageMember_pkey: 'This member of the image',
  Network_tag_key: 'A network with this number',
  Port_tag_key: 'A port with this number',
  Port_networkId_mac_key: 'A port with this MAC address on the network',
  PortAddress_pkey: 'A port with this address in the subnet',
  PortSecurityGroup_pkey: 'This security group on the port',
  Router_tag_key: 'A router with this number',
  FloatingIp_address_key: 'A floating IP with this address',
  FloatingIp_portId_fixedAddress_key: 'A floating IP of this port’s address',
  RbacPolicy_objectId_action_targetProject_key: 'This sharing with the project',
  VolumeTransfer_volumeId_key: 'An offer of this volume',
  VolumeType_name_key: 'A volume type with this name',
  VolumeTypeAccess_pkey: 'Access of this project to this volume type',
  VolumeTypeDefault_pkey: 'A default volume type of this project',
  VolumeQos_name_key: 'A set of volume limits with this name',
  VolumePool_name_key: 'A volume pool with this name',
  VolumeGroupType_name_key: 'A type of volume groups with this name',
  VolumeBackupSchedule_volumeId_key: 'A schedule of this volume',
  VolumeAttachment_owner_key: 'An instance that has this volume',
  VolumeAttachment_volumeId_instanceId_key: 'This volume of the instance',
  VolumeAttachment_instanceId_device_key: 'A disk of the instance with this device name',
}

/** The noun of the sentence "This … is in use." for each table that other tables refer to. */
const nouns: Readonly<Record<string, string>> = {
  Domain: 'domain',
  Flavor: 'flavor',
  Host: 'host',
  Image: 'image',
  Network: 'network',
  Port: 'port',
  Project: 'project',
  RegisteredLimit: 'registered limit',
  Role: 'role',
  Router: 'router',
  SecurityGroup: 'security group',
  Subnet: 'subnet',
  User: 'user',
  Volume: 'volume',
  VolumePool: 'volume pool',
  VolumeType: 'volume type',
}

type Refusal = { code: ErrorCode; message: string; field?: string }

/** The answer when the database refuses a statement or does not respond; null for errors that are not the database's. */
export function databaseRefusal(error: unknown): Refusal | null {
  const { prisma, postgres, kind, constraint, message } = factsOf(error)
  if (prisma === 'P2002' || postgres === '23505') return takenAlready(constraint)
  if (prisma === 'P2003' || postgres === '23503' || postgres === '23001') {
    const used = /^update or delete on table "(\w+)"/.exec(message)?.[1]
    return { code: 'conflict', message: used === undefined ? goneMeanwhile : inUse(used) }
  }
  if (prisma === 'P2025') return { code: 'conflict', message: goneMeanwhile }
  // A caller may send the year 0 or an earlier one, which JavaScript has and PostgreSQL has not.
  if (postgres === '22007' || postgres === '22008')
    return { code: 'invalid_input', message: 'There is no such time.' }
  // PostgreSQL has no NUL in texts. Names refuse this character; words that are looked for reach the database.
  if (postgres === '22021')
    return { code: 'invalid_input', message: 'A text of this request has a NUL character.' }
  const away = (text: string): Refusal => ({ code: 'unavailable', message: `${text} Try again in a moment.` })
  if (wasRolledBack(error)) return away('Others change the same at this moment.')
  if (postgres === '57014' || gaveWay(error)) return away('The database took too long for this.')
  const isDown = [prisma, postgres, kind].some((word) => down.has(word)) || cutOff.test(message)
  return isDown ? away('The database does not answer.') : null
}

function takenAlready(constraint: string): Refusal {
  const words = taken[constraint] ?? 'The same'
  return words.endsWith('name')
    ? { code: 'already_exists', message: `${words} exists already. Choose another one.`, field: 'name' }
    : { code: 'already_exists', message: `${words} exists already.` }
}
const goneMeanwhile = 'Something that this needs was deleted meanwhile. Look again.'
const inUse = (table: string) => `This ${nouns[table] ?? 'thing'} is in use. Delete first what uses it.`

/** No UUID, a number that is too large, a character that PostgreSQL does not have; and Prisma's words for these. */
const foreign = new Set(['22P02', '22003', '22021', 'P2007', 'P2023', 'P2033'])
/** True when the query asked for a value that the column cannot have, such as an id that is no UUID. */
export function isOfForeignForm(error: unknown): boolean {
  const { prisma, postgres } = factsOf(error)
  return foreign.has(postgres) || foreign.has(prisma)
}

/** True when PostgreSQL has ended the transaction by a deadlock or serialization failure; nothing of it is left and it can run again. */
export function wasRolledBack(error: unknown): boolean {
  const { prisma, postgres } = factsOf(error)
  return prisma === 'P2034' || postgres === '40001' || postgres === '40P01'
}

/** True when the statement gave up waiting for a lock, also when the error is a CloudError with that cause. */
export function gaveWay(error: unknown): boolean {
  const why = error instanceof Error ? error.cause : undefined
  return [error, why].some((one) => factsOf(one).postgres === '55P03')
}

/**
 * The codes of "cannot reach", "timed out" and "too many connections": Prisma's; its adapter's, which are the only
 * codes for raw SQL; PostgreSQL's (it shuts down, starts or only reads); the operating system's.
 */
const down = new Set([
  ...['P1001', 'P1002', 'P1008', 'P1017', 'P2024', 'P2028', 'P2037'],
  ...['DatabaseNotReachable', 'ConnectionClosed', 'SocketTimeout', 'TooManyConnections'],
  ...['57P01', '57P02', '57P03', '25006', '53300', '08000', '08003', '08006'],
  ...['ECONNREFUSED', 'EPIPE', 'EHOSTUNREACH', 'ENETUNREACH', 'EAI_AGAIN'],
])
/** The messages of pg, without a code, when a connection has ended or could not be made. */
const cutOff =
  /^(Connection terminated|Client has encountered a connection error|Query read timeout|timeout exceeded when trying to connect)/

type Cause = {
  originalCode?: string
  originalMessage?: string
  kind?: string
  constraint?: { index?: string }
}
type Adapter = { name?: unknown; cause?: Cause }
type Raised = Adapter & { code?: unknown; constraint?: unknown; meta?: { driverAdapterError?: Adapter } }

/** Reads codes and constraints from errors of Prisma (also of raw queries), of its adapter (which COMMIT raises as they are) and of pg. */
function factsOf(error: unknown) {
  const raised = (error ?? {}) as Raised
  const { code, constraint, meta } = raised
  const cause = (raised.name === 'DriverAdapterError' ? raised : meta?.driverAdapterError)?.cause
  const own = typeof code === 'string' ? code : ''
  return {
    prisma: own,
    postgres: cause?.originalCode ?? own,
    kind: cause?.kind ?? '',
    constraint: cause?.constraint?.index ?? (typeof constraint === 'string' ? constraint : ''),
    message: cause?.originalMessage ?? (error instanceof Error ? error.message : ''),
  }
}
