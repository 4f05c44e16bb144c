/**
 * A working day with OpenStack's own client on a running cloud, as an administrator, a member, a
 * reader and a stranger. Checks what each of them can do, can see, and is refused. Uses the cloud that
 * STRATOLITH_DATA (or npm start's own place) names. Ends with "N passed, N failed".
 */
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { findCloud } from '../support/cloud.ts'
import { steps } from '../support/steps.ts'
import { administratorEvening, administratorMorning, administratorNight } from './administrator.ts'
import { cinderDay } from './cinder.ts'
import { clientEnv, type Row, startClient } from './client.ts'
import { directoryDay } from './directory.ts'
import { row, text } from './expect.ts'
import { memberDay, memberEvening } from './member.ts'
import { readerDay, strangerDay } from './others.ts'
import { backupsDay } from './volume-backups.ts'
import { groupsDay } from './volume-groups.ts'
import { snapshotsDay } from './volume-snapshots.ts'
import { volumeTypesDay, volumeTypesEvening } from './volumes.ts'

const cloud = findCloud()
const run = crypto.randomUUID().slice(0, 6)
const work = fs.mkdtempSync(path.join(os.tmpdir(), 'stratolith-day-'))
const name = (kind: string) => `day-${kind}-${run}`
const names = {
  domain: name('domain'),
  project: name('project'),
  elsewhere: name('elsewhere'),
  member: name('member'),
  reader: name('reader'),
  stranger: name('stranger'),
  password: `pw-${crypto.randomUUID()}`,
  group: name('group'),
  role: name('role'),
  flavor: name('flavor'),
  key: name('key'),
  network: name('net'),
  subnet: name('subnet'),
  router: name('router'),
  port: name('port'),
  image: name('image'),
  server: name('server'),
  volume: name('volume'),
  /** The id of the image to launch, because the client's interactive mode takes no name with blanks. */
  bootImage: '',
}
export type Names = typeof names

const env = (name: string, password: string, project: string) =>
  clientEnv(cloud.url, { name, password, project })
const started = Date.now()
const { step, end } = steps()
const asAdmin = env('admin', cloud.password('admin'), 'admin')
const admin = startClient(asAdmin, 'administrator')
const newer = startClient(
  { ...asAdmin, OS_COMPUTE_API_VERSION: '2.53', OS_VOLUME_API_VERSION: '3.47' },
  'administrator of 2.53',
)
await administratorMorning(admin, newer, names, step)
await directoryDay(admin, names, step, env)
await step('an image to launch', async () => {
  const images = await admin.json<Row[]>('image list')
  names.bootImage = text(row(images, 'Name', 'Tiny test image'), 'ID')
})
const member = startClient(env(names.member, names.password, names.project), 'member')
const reader = startClient(env(names.reader, names.password, names.project), 'reader')
const stranger = startClient(env(names.stranger, names.password, names.elsewhere), 'stranger')
await memberDay(member, names, step, work)
await snapshotsDay(member, names, step)
const newerMember = startClient(
  { ...env(names.member, names.password, names.project), OS_VOLUME_API_VERSION: '3.47' },
  'member of 3.47',
)
await backupsDay({ admin, member, newer: newerMember }, names, step)
await volumeTypesDay(admin, member, names, step)
await groupsDay({ admin: newer, member: newerMember }, names, step)
const ids: Record<string, string> = {}
await step('ids for the table of cinder', async () => {
  ids.project = text(await admin.json(`project show ${names.project}`), 'id')
  ids.elsewhere = text(await admin.json(`project show ${names.elsewhere}`), 'id')
})
const people = {
  admin: asAdmin,
  member: env(names.member, names.password, names.project),
  reader: env(names.reader, names.password, names.project),
  stranger: env(names.stranger, names.password, names.elsewhere),
}
await cinderDay(
  people,
  { member },
  names,
  { project: ids.project ?? '', elsewhere: ids.elsewhere ?? '' },
  step,
)
await readerDay(reader, names, step)
await step('ids for the stranger to try', async () => {
  for (const [kind, called] of [
    ['server', names.server],
    ['network', names.network],
    ['subnet', names.subnet],
    ['router', names.router],
    ['security group', `${names.group}-sg`],
  ] as const)
    ids[kind] = text(await member.json(`${kind} show ${called}`), 'id')
  const ports = await member.json<{ ID: string }[]>(`port list --server ${names.server}`)
  ids.port = ports[0]?.ID ?? ''
})
await strangerDay(stranger, names, ids, step)
await administratorEvening(admin, names, step)
await memberEvening(member, names, step)
await volumeTypesEvening(admin, names, step)
await administratorNight(admin, names, step)
const clients = [admin, newer, member, newerMember, reader, stranger]
await Promise.all(clients.map((client) => client.close()))
fs.rmSync(work, { recursive: true, force: true })
const commands = clients.map((client) => client.count)
console.log(
  `\n${commands.reduce((a, b) => a + b)} commands (${commands.join(' + ')}) in ${Math.round((Date.now() - started) / 1000)} s`,
)
end()
