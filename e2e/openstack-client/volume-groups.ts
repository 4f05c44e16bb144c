import type { Row, StockClient } from './client.ts'
import { has, row, text, without } from './expect.ts'
import type { Names } from './main.ts'
import { untilRow } from './member.ts'

type Step = (title: string, work: () => Promise<unknown>) => Promise<boolean>

/**
 * Groups, attachments, encrypted types and services in the words of the openstack client, with version 3.47 of the volume API.
 * The table of cinder (cinder.ts) has them with everything that this client lacks.
 */
export async function groupsDay(
  { admin, member }: { admin: StockClient; member: StockClient },
  n: Names,
  step: Step,
): Promise<void> {
  const [type, group, kept] = [`${n.volume}-gtype`, `${n.volume}-group`, `${n.volume}-kept`]
  await step('administrator: an encrypted type', async () => {
    const encryption =
      '--encryption-provider luks --encryption-cipher aes-xts-plain64 --encryption-key-size 256 --encryption-control-location front-end'
    await admin.json(`volume type create ${encryption} ${n.volume}-secret`)
    const listed = row(await admin.json('volume type list --encryption-type'), 'Name', `${n.volume}-secret`)
    if (!JSON.stringify(listed).includes('luks'))
      throw new Error(`no encryption in ${JSON.stringify(listed)}`)
    await admin.run(`volume type set --encryption-key-size 512 ${n.volume}-secret`)
    await member.fails(`volume type unset --encryption-type ${n.volume}-secret`, /403|not allowed|failed/i)
    await admin.run(`volume type unset --encryption-type ${n.volume}-secret`)
    await admin.run(`volume type delete ${n.volume}-secret`)
  })
  await step('administrator: services of volumes', async () => {
    const service = row(await admin.json('volume service list'), 'Binary', 'cinder-volume')
    const host = text(service, 'Host')
    // Other tests make volumes on this disk at the same time, so that it is not closed here.
    await admin.run(`volume service set --enable ${host} cinder-volume`)
    await admin.run(`volume host set --enable ${host}`)
    await admin.fails('volume service set --disable nowhere@x cinder-volume', /could not be found/)
    without(await admin.json('block storage cluster list'), 'Name', 'c')
    await admin.fails('block storage cluster show c', /could not be found/)
    row(await admin.json('block storage resource filter list'), 'Resource', 'volume')
    await member.fails('volume service list', /403|forbidden|not authorized/i)
    without(await member.json('consistency group list'), 'Name', 'x')
    await member.fails('consistency group create --volume-type Standard x', /use groups/)
  })
  await step('member: groups of volumes', async () => {
    await admin.json(`volume group type create --description d ${type}`)
    await member.fails(`volume group type create ${type}-2`, /403|forbidden|not authorized/i)
    has(await member.json(`volume group create --name ${group} ${type} Standard`), { Name: group })
    has(row(await member.json('volume group list'), 'Name', group), { Status: 'available' })
    // Version 6.0 of the client prints nothing of a changed group, and cannot show a group of any cloud.
    await member.run(`volume group set --description new ${group}`)
    await member.fails(`volume group snapshot create ${group}`, /no volume/i)
    await member.fails(`volume group failover ${group}`, /replicated/)
    await member.run(`volume group delete ${group}`)
    await admin.run(`volume group type delete ${type}`)
  })
  await step('member: a volume is reserved for a server', async () => {
    await member.json(`volume create --size 1 ${kept}`)
    await untilRow(() => member.json(`volume show ${kept}`), 'status', 'available')
    const made = await member.json(`volume attachment create ${kept} ${n.server}`)
    has(made, { Status: 'reserved' })
    has(await member.json(`volume show ${kept}`), { status: 'reserved' })
    const listed = await member.json<Row[]>('volume attachment list --status reserved')
    row(listed, 'ID', text(made, 'ID'))
    await member.fails(`volume attachment complete ${text(made, 'ID')}`, /connect volumes themselves/)
    await member.run(`volume attachment delete ${text(made, 'ID')}`)
    await member.run(`volume delete ${kept}`)
  })
}
