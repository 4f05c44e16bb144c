import type { StockClient } from './client.ts'
import { has, row, text, without } from './expect.ts'
import type { Names } from './main.ts'

type Step = (title: string, work: () => Promise<unknown>) => Promise<boolean>
const refused = /403|forbidden|not authorized/i

/** A reader of the member's project sees everything in the project and can change nothing. */
export async function readerDay(os: StockClient, n: Names, step: Step): Promise<void> {
  await step('reader: sees what the member has', async () => {
    has(await os.json(`server show ${n.server}`), { name: n.server })
    row(await os.json('server list'), 'Name', n.server)
    row(await os.json('network list'), 'Name', n.network)
    has(await os.json(`network show ${n.network}`), { name: n.network })
    has(await os.json(`subnet show ${n.subnet}`), { name: n.subnet })
    has(await os.json(`router show ${n.router}`), { name: n.router })
    row(await os.json('security group list'), 'Name', `${n.group}-sg`)
    row(await os.json('image list'), 'Name', 'Tiny test image')
    await os.json('floating ip list')
    await os.json('port list')
    await os.json('quota show')
    row(await os.json(`server event list ${n.server}`), 'Action', 'create')
    await os.run(`console log show ${n.server}`)
  })
  await step('reader: changes nothing', async () => {
    await os.fails(
      `server create --image ${n.bootImage} --flavor ${n.flavor} --network ${n.network} x`,
      refused,
    )
    await os.fails(`server stop ${n.server}`, refused)
    await os.fails(`server delete ${n.server}`, refused)
    await os.fails(`server set --property a=b ${n.server}`, refused)
    await os.fails(`console url show --novnc ${n.server}`, refused)
    await os.fails('network create x', refused)
    await os.fails(`network set --description x ${n.network}`, refused)
    await os.fails(`network delete ${n.network}`, refused)
    await os.fails(`subnet delete ${n.subnet}`, refused)
    await os.fails(`router delete ${n.router}`, refused)
    await os.fails('router create x', refused)
    await os.fails('floating ip create public', refused)
    await os.fails('security group create x', refused)
    await os.fails(`security group rule create --protocol tcp --dst-port 80 ${n.group}-sg`, refused)
    await os.fails('image create --disk-format raw --container-format bare x', refused)
    await os.fails(`image delete ${n.bootImage}`, refused)
    await os.fails(`quota set --instances 99 ${n.project}`, refused)
    await os.fails('user list', refused)
    await os.fails(`project create x`, refused)
    await os.fails('hypervisor list', refused)
  })
}

/** A stranger from another project sees nothing of the member's project. */
export async function strangerDay(
  os: StockClient,
  n: Names,
  ids: Record<string, string>,
  step: Step,
): Promise<void> {
  await step('stranger: sees nothing of others', async () => {
    without(await os.json('server list'), 'Name', n.server)
    without(await os.json('network list'), 'Name', n.network)
    without(await os.json('router list'), 'Name', n.router)
    without(await os.json('security group list'), 'Name', `${n.group}-sg`)
    without(await os.json('subnet list'), 'Name', n.subnet)
    without(await os.json('keypair list'), 'Name', n.key)
    without(await os.json('flavor list --all'), 'Name', `${n.flavor}-private`)
    without(await os.json('server group list'), 'Name', n.group)
    for (const kind of ['network', 'subnet', 'router', 'port', 'security group'])
      await os.fails(`${kind} show ${ids[kind]}`, /No .+ found|could not be found|404/i)
    await os.fails(
      `server show ${ids.server}`,
      /No server with a name or ID|could not be found|No Server found/i,
    )
  })
  await step('stranger: touches nothing of others', async () => {
    const nothing = /No .+ (found|with a name)|could not be found|404|exists/i
    await os.fails(`server delete ${ids.server}`, nothing)
    await os.fails(`server stop ${ids.server}`, nothing)
    await os.fails(`network delete ${ids.network}`, nothing)
    await os.fails(`port create --network ${ids.network} x`, nothing)
    await os.fails(`subnet create --network ${ids.network} --subnet-range 10.66.0.0/24 x`, nothing)
    await os.fails(`security group delete ${ids['security group']}`, nothing)
    await os.fails(`console log show ${ids.server}`, nothing)
    await os.fails(
      `server create --image ${n.bootImage} --flavor ${n.flavor} --nic net-id=${ids.network} x`,
      nothing,
    )
    await os.fails(`server list --all-projects`, refused)
    await os.fails(`role assignment list --project ${ids.project}`, refused)
  })
  await step('stranger: has a day of one’s own', async () => {
    text(await os.json(`network create ${n.network}`), 'id')
    await os.json(`subnet create --network ${n.network} --subnet-range 10.44.0.0/24 ${n.subnet}`)
    await os.run(`network delete ${n.network}`)
  })
}
