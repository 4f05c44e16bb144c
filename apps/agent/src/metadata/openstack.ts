import { randomBytes } from 'node:crypto'
import { networkData } from './network-data.ts'
import {
  type Answer,
  json,
  nothing,
  type PasswordStore,
  plain,
  type Question,
  raw,
  type Subject,
} from './reply.ts'

/** Nova's versions of the metadata; a client may ask for any listed version, and cloud-init does. */
export const openstackVersions = [
  '2012-08-10',
  '2013-04-04',
  '2013-10-17',
  '2015-10-15',
  '2016-06-30',
  '2016-10-06',
  '2017-02-22',
  '2018-08-27',
  '2020-10-14',
  '2025-04-04',
]
/** The largest password that Nova accepts: 255 characters of base64 in each of 4 lines. */
export const maxPasswordBytes = 1020

/** `segments` are the parts of the path after /openstack. */
export async function openstackAnswer(
  question: Question,
  segments: readonly string[],
  subject: Subject,
  passwords: PasswordStore,
  today: string,
): Promise<Answer> {
  const known = openstackVersions.filter((version) => version <= today)
  const [named, file, ...rest] = segments
  const isPassword = file === 'password' && rest.length === 0
  if (question.method !== 'GET' && !(question.method === 'POST' && isPassword)) return plain('', 405)
  if (named === undefined) return plain([...known, 'latest'].join('\n'))
  const version = named === 'latest' ? known.at(-1) : known.find((v) => v === named)
  if (version === undefined || rest.length > 0) return nothing
  const files = filesOf(version, subject)
  if (file === undefined) return plain(files.join('\n'))
  if (!files.includes(file)) return nothing
  switch (file) {
    case 'meta_data.json':
      return json(metaData(version, subject))
    case 'network_data.json':
      return json(networkData(subject.ports))
    case 'user_data':
      return raw(Buffer.from(subject.spec.guest.userData ?? '', 'base64'))
    case 'password':
      return question.method === 'POST'
        ? storePassword(question.body, subject, passwords)
        : readPassword(subject, passwords)
    default:
      return json({}) // vendor data: this cloud adds none
  }
}

export function filesOf(version: string, subject: Subject): string[] {
  return [
    'meta_data.json',
    ...(subject.spec.guest.userData === null ? [] : ['user_data']),
    ...(version >= '2013-10-17' ? ['password', 'vendor_data.json'] : []),
    ...(version >= '2015-10-15' ? ['network_data.json'] : []),
    ...(version >= '2016-10-06' ? ['vendor_data2.json'] : []),
  ]
}

/** meta_data.json as Nova's _metadata_as_json builds it. */
export function metaData(version: string, { spec }: Subject): Record<string, unknown> {
  const { guest } = spec
  const keys = guest.publicKeys.map(({ name, key }) => ({ name, type: 'ssh', data: key }))
  return {
    uuid: spec.id,
    ...(Object.keys(guest.metadata).length > 0 ? { meta: guest.metadata } : {}),
    ...(keys.length > 0
      ? { public_keys: Object.fromEntries(guest.publicKeys.map(({ name, key }) => [name, key])), keys }
      : {}),
    hostname: guest.hostname,
    name: spec.name,
    launch_index: guest.launchIndex,
    availability_zone: guest.zone,
    ...(version >= '2013-04-04' ? { random_seed: randomBytes(512).toString('base64') } : {}),
    ...(version >= '2015-10-15' ? { project_id: spec.projectId } : {}),
    ...(version >= '2016-06-30' ? { devices: [] } : {}),
    ...(version >= '2020-10-14' ? { dedicated_cpus: [] } : {}),
  }
}

async function readPassword({ spec }: Subject, passwords: PasswordStore): Promise<Answer> {
  return plain(await passwords.read(spec.id))
}

async function storePassword(body: Buffer, { spec }: Subject, passwords: PasswordStore): Promise<Answer> {
  if (body.length > maxPasswordBytes) return plain('The password is too long.', 400)
  const stored = await passwords.writeOnce(spec.id, body.toString('latin1'))
  return stored ? plain('') : plain('There is a password already.', 409)
}
