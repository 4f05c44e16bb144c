import fs from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Row, StockClient } from './client.ts'
import { has, row, text, without } from './expect.ts'
import type { Names } from './main.ts'

type Step = (title: string, work: () => Promise<unknown>) => Promise<boolean>

/** A member's day: from a key pair to a machine with a public address and back. */
export async function memberDay(os: StockClient, n: Names, step: Step, work: string): Promise<void> {
  await step('member: what is there', async () => {
    row(await os.json('image list'), 'Name', 'Tiny test image')
    row(await os.json('flavor list'), 'Name', n.flavor)
    row(await os.json('flavor list --all'), 'Name', `${n.flavor}-private`)
    has(await os.json(`flavor show ${n.flavor}`), { ram: 128 })
    row(await os.json('network list --external'), 'Name', 'public')
    await os.json('quota show')
    await os.json('limits show --absolute')
    row(await os.json('availability zone list'), 'Zone Name', 'nova')
    await os.fails('user list', /403|forbidden|not authorized/i)
    await os.fails(`flavor create --ram 64 --vcpus 1 --disk 1 mine`, /403|forbidden/i)
  })
  await step('member: key pairs', async () => {
    const key = path.join(work, 'key')
    const made = await os.run(`keypair create ${n.key}`)
    if (!made.includes('PRIVATE KEY')) throw new Error(`no private key: ${made.slice(0, 100)}`)
    const publicKey = await os.run(`keypair show --public-key ${n.key}`)
    fs.writeFileSync(`${key}.pub`, `${publicKey}\n`)
    has(await os.json(`keypair create --public-key ${key}.pub ${n.key}-2`), { name: `${n.key}-2` })
    row(await os.json('keypair list'), 'Name', n.key)
    await os.run(`keypair delete ${n.key}-2`)
    await os.fails(`keypair show ${n.key}-2`, /No Keypair found|could not be found/i)
  })
  await step('member: network, subnet, router', async () => {
    has(await os.json(`network create --description ours --tag blue ${n.network}`), {
      name: n.network,
      status: 'ACTIVE',
    })
    await os.run(`network set --tag green ${n.network}`)
    row(await os.json('network list --tags green'), 'Name', n.network)
    await os.run(`network unset --tag green ${n.network}`)
    has(
      await os.json(
        `subnet create --network ${n.network} --subnet-range 10.44.0.0/24 --dns-nameserver 192.0.2.53 --allocation-pool start=10.44.0.20,end=10.44.0.200 ${n.subnet}`,
      ),
      { cidr: '10.44.0.0/24', gateway_ip: '10.44.0.1' },
    )
    await os.run(`subnet set --dns-nameserver 192.0.2.54 --name ${n.subnet} ${n.subnet}`)
    has(await os.json(`subnet show ${n.subnet}`), { enable_dhcp: true })
    row(await os.json(`subnet list --network ${n.network}`), 'Name', n.subnet)
    await os.fails(`subnet create --network ${n.network} --subnet-range 10.44.0.128/25 clash`, /overlap/i)
    has(await os.json(`router create ${n.router}`), { name: n.router })
    await os.run(`router set --external-gateway public ${n.router}`)
    await os.run(`router add subnet ${n.router} ${n.subnet}`)
    const router = await os.json(`router show ${n.router}`)
    if (!JSON.stringify(router.interfaces_info).includes('10.44.0.1'))
      throw new Error('the router has no interface')
    row(await os.json('router list'), 'Name', n.router)
    if ((await os.json<Row[]>(`port list --router ${n.router}`)).length === 0)
      throw new Error('the router has no port')
    await os.fails(`router delete ${n.router}`, /409|in use|still|interface/i)
    await os.fails(`network delete ${n.network}`, /409|in use/i)
  })
  await step('member: security group', async () => {
    has(await os.json(`security group create --description web ${n.group}-sg`), { name: `${n.group}-sg` })
    has(
      await os.json(
        `security group rule create --protocol tcp --dst-port 22 --remote-ip 0.0.0.0/0 ${n.group}-sg`,
      ),
      { protocol: 'tcp', port_range_min: 22 },
    )
    const written = `--ethertype IPv6 --protocol ipv6-icmp --remote-ip 2001:DB8::/32 ${n.group}-sg`
    has(await os.json(`security group rule create ${written}`), {
      protocol: 'ipv6-icmp',
      remote_ip_prefix: '2001:db8::/32',
    })
    const icmp = await os.json(`security group rule create --protocol icmp ${n.group}-sg`)
    row(await os.json(`security group rule list ${n.group}-sg`), 'ID', text(icmp, 'id'))
    await os.json(`security group rule show ${text(icmp, 'id')}`)
    await os.run(`security group rule delete ${text(icmp, 'id')}`)
    await os.run(`security group set --description ssh ${n.group}-sg`)
    row(await os.json('security group list'), 'Name', `${n.group}-sg`)
    await os.fails(
      `security group rule create --protocol tcp --dst-port 22 --remote-ip 0.0.0.0/0 ${n.group}-sg`,
      /409|exists/i,
    )
  })
  await images(os, n, step, work)
  await servers(os, n, step)
}

async function images(os: StockClient, n: Names, step: Step, work: string): Promise<void> {
  await step('member: images', async () => {
    const raw = path.join(work, 'image.raw')
    fs.writeFileSync(raw, Buffer.alloc(2 << 20, 'day'))
    has(
      await os.json(
        `image create --disk-format raw --container-format bare --file ${raw} --property colour=blue ${n.image}`,
      ),
      { name: n.image },
    )
    const shown = await untilRow(() => os.json(`image show ${n.image}`), 'status', 'active')
    has(shown, { size: 2 << 20, visibility: 'shared' })
    row(await os.json('image list --long'), 'Name', n.image)
    await os.run(`image set --property colour=green --tag day ${n.image}`)
    has(await os.json(`image show ${n.image}`), { tags: ['day'] })
    await os.run(`image unset --property colour --tag day ${n.image}`)
    const saved = path.join(work, 'saved.raw')
    await os.run(`image save --file ${saved} ${n.image}`)
    if (!fs.readFileSync(saved).equals(fs.readFileSync(raw))) throw new Error('the image came back changed')
    await os.fails(`image set --public ${n.image}`, /403|forbidden/i)
    await os.run(`image delete ${n.image}`)
    await os.fails(`image show ${n.image}`, /No Image found|Could not find resource/i)
  })
}

async function servers(os: StockClient, n: Names, step: Step): Promise<void> {
  await step('member: a server from order to ACTIVE', async () => {
    const made = await os.json(
      `server create --image ${n.bootImage} --flavor ${n.flavor} --network ${n.network} --key-name ${n.key} --security-group ${n.group}-sg --property day=1 --use-config-drive --wait ${n.server}`,
    )
    has(made, { name: n.server, status: 'ACTIVE', config_drive: 'True' })
    const server = await os.json(`server show ${n.server}`)
    has(server, { status: 'ACTIVE', key_name: n.key, 'OS-EXT-STS:vm_state': 'active' })
    if (!JSON.stringify(server.addresses).includes('10.44.0.'))
      throw new Error(`no address: ${JSON.stringify(server.addresses)}`)
    row(await os.json('server list'), 'Name', n.server)
    row(await os.json(`server list --name ${n.server} --status ACTIVE`), 'Name', n.server)
    without(await os.json('server list --status SHUTOFF'), 'Name', n.server)
    row(await os.json(`port list --server ${n.server}`), 'Status', 'ACTIVE')
    await os.fails(
      `server show no-such-server`,
      /No server with a name or ID|could not be found|No Server found/i,
    )
  })
  await step('member: metadata, name, lock', async () => {
    await os.run(`server set --property note=hello ${n.server}`)
    await os.run(`server unset --property day ${n.server}`)
    await os.run(`server lock ${n.server}`)
    await os.run(`server unlock ${n.server}`)
    await os.run(`server set --name ${n.server}-x ${n.server}`)
    await os.run(`server set --name ${n.server} ${n.server}-x`)
  })
  await step('member: power', async () => {
    await os.run(`server pause ${n.server}`)
    await untilRow(() => os.json(`server show ${n.server}`), 'status', 'PAUSED')
    await os.run(`server unpause ${n.server}`)
    await untilRow(() => os.json(`server show ${n.server}`), 'status', 'ACTIVE')
    await os.run(`server reboot --hard --wait ${n.server}`)
    await os.run(`server stop ${n.server}`)
    await untilRow(() => os.json(`server show ${n.server}`), 'status', 'SHUTOFF')
    await os.fails(`server reboot ${n.server}`, /409|stopped|cannot/i)
    await os.run(`server start ${n.server}`)
    await untilRow(() => os.json(`server show ${n.server}`), 'status', 'ACTIVE')
  })
  await step('member: consoles and history', async () => {
    const id = text(await os.json(`server show ${n.server}`), 'id')
    await untilLog(os, n.server, new RegExp(`metadata source: config drive /dev/sr0 +instance ${id}`))
    text(await os.json(`console url show --novnc ${n.server}`), 'url')
    row(await os.json(`server event list ${n.server}`), 'Action', 'create')
    await os.fails(`server show --diagnostics ${n.server}`, /403/)
  })
  await step('member: a public address', async () => {
    const made = await os.json('floating ip create public')
    const address = text(made, 'floating_ip_address')
    await os.run(`server add floating ip ${n.server} ${address}`)
    const shown = await untilRow(() => os.json(`floating ip show ${address}`), 'status', 'ACTIVE')
    text(shown, 'fixed_ip_address')
    row(await os.json('floating ip list'), 'Floating IP Address', address)
    await os.run(`server remove floating ip ${n.server} ${address}`)
    await os.run(`floating ip delete ${address}`)
  })
  await step('member: security groups and ports of a server', async () => {
    await os.run(`server remove security group ${n.server} ${n.group}-sg`)
    await os.run(`server add security group ${n.server} ${n.group}-sg`)
    const port = await os.json(
      `port create --network ${n.network} --fixed-ip subnet=${n.subnet},ip-address=10.44.0.99 ${n.port}`,
    )
    text(port, 'mac_address')
    await os.run(`port set --name ${n.port}-2 ${n.port}`)
    row(await os.json(`port list --fixed-ip ip-address=10.44.0.99`), 'Name', `${n.port}-2`)
    await os.fails(
      `port create --network ${n.network} --fixed-ip subnet=${n.subnet},ip-address=10.44.0.99 clash`,
      /409|in use|already/i,
    )
    await os.run(`port delete ${n.port}-2`)
  })
  await step('member: ephemeral and swap disks, and the quota says why', async () => {
    const local = `server create --image ${n.bootImage} --flavor ${n.flavor}-local --network ${n.network}`
    await os.fails(`${local} --swap 129 x`, /Swap drive requested is larger than instance type allows/)
    await os.fails(`${local} --ephemeral size=3 x`, /Ephemeral disks requested are larger/)
    await os.run(`${local} --ephemeral size=1,format=ext3 --swap 64 --wait ${n.server}-2`)
    await os.fails(
      `server create --image ${n.bootImage} --flavor ${n.flavor} --network ${n.network} ${n.server}-3`,
      /Quota exceeded/i,
    )
    await os.run(`server delete --wait ${n.server}-2`)
  })
  await step('member: server groups and credentials of one’s own', async () => {
    await os.json(`server group create --policy anti-affinity ${n.group}-apart`)
    row(await os.json('server group list'), 'Name', `${n.group}-apart`)
    await os.run(`server group delete ${n.group}-apart`)
    const made = await os.json(`application credential create --role member ${n.role}-app`)
    text(made, 'secret')
    row(await os.json('application credential list'), 'Name', `${n.role}-app`)
    await os.run(`application credential delete ${n.role}-app`)
    const ec2 = await os.json('ec2 credentials create')
    row(await os.json('ec2 credentials list'), 'Access', text(ec2, 'access'))
    await os.run(`ec2 credentials delete ${text(ec2, 'access')}`)
  })
}

/** Deletes everything that the member made, in the order of its dependencies. */
export async function memberEvening(os: StockClient, n: Names, step: Step): Promise<void> {
  await step('member: clears up', async () => {
    await os.run(`server delete --wait ${n.server}`)
    without(await os.json('server list'), 'Name', n.server)
    await os.run(`router remove subnet ${n.router} ${n.subnet}`)
    await os.run(`router unset --external-gateway ${n.router}`)
    await os.run(`router delete ${n.router}`)
    await os.run(`subnet delete ${n.subnet}`)
    await os.run(`network delete ${n.network}`)
    await os.run(`security group delete ${n.group}-sg`)
    await os.run(`keypair delete ${n.key}`)
    without(await os.json('network list'), 'Name', n.network)
    without(await os.json('router list'), 'Name', n.router)
  })
}

export async function untilRow(probe: () => Promise<Row>, key: string, value: unknown): Promise<Row> {
  const end = Date.now() + 300_000
  for (;;) {
    const row = await probe()
    if (row[key] === value) return row
    if (Date.now() > end || row[key] === 'ERROR') throw new Error(`${key} is ${row[key]}, never ${value}`)
    await sleep(300)
  }
}

/** Waits until the serial log of the guest matches `wanted`: a boot takes half a minute on emulated processors. */
async function untilLog(os: StockClient, server: string, wanted: RegExp): Promise<void> {
  const end = Date.now() + 300_000
  for (;;) {
    const log = await os.run(`console log show ${server}`)
    if (wanted.test(log)) return
    if (Date.now() > end) throw new Error(`${server} never said ${wanted}; its last: ${log.slice(-500)}`)
    await sleep(2_000)
  }
}
