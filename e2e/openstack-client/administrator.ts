import type { StockClient } from './client.ts'
import { has, row, text, without } from './expect.ts'
import type { Names } from './main.ts'

type Step = (title: string, work: () => Promise<unknown>) => Promise<boolean>

/**
 * Makes the users and the resources of the day: things of a domain, a project, four users, a quota, flavors.
 * `newer` speaks compute 2.53, where a command names a service by its id and may declare it down.
 */
export async function administratorMorning(
  os: StockClient,
  newer: StockClient,
  n: Names,
  step: Step,
): Promise<void> {
  await step('administrator: token and catalog', async () => {
    has(await os.json('token issue'), {})
    const catalog = await os.json<{ Name: string; Type: string }[]>('catalog list')
    for (const type of ['identity', 'compute', 'image', 'network']) row(catalog, 'Type', type)
    text(await os.json('catalog show compute'), 'id')
    row(await os.json('versions show'), 'Service Type', 'compute')
    row(await os.json('region list'), 'Region', 'RegionOne')
    row(await os.json('service list'), 'Type', 'network')
    row(await os.json('endpoint list'), 'Service Type', 'image')
  })
  await step('administrator: domains, projects, tags', async () => {
    has(await os.json(`domain create --description night ${n.domain}`), { name: n.domain, enabled: true })
    await os.run(`domain set --description day ${n.domain}`)
    has(await os.json(`domain show ${n.domain}`), { description: 'day' })
    row(await os.json('domain list'), 'Name', n.domain)
    await os.fails(`domain delete ${n.domain}`, /disable/i)
    has(await os.json(`project create --description first --tag blue ${n.project}`), {
      name: n.project,
      enabled: true,
    })
    await os.run(`project set --description ours --tag green ${n.project}`)
    has(await os.json(`project show ${n.project}`), { description: 'ours' })
    row(await os.json(`project list --tags green`), 'Name', n.project)
    without(await os.json(`project list --not-tags green`), 'Name', n.project)
    has(await os.json(`project create --parent ${n.project} ${n.project}-child`), {})
    await os.fails(`project delete ${n.project}`, /below|child|forbidden/i)
    await os.run(`project delete ${n.project}-child`)
    await os.json(`project create ${n.elsewhere}`)
    await os.fails(`project create ${n.project}`, /409|Conflict/)
    await os.fails('project show no-such-project', /No project with a name or ID/)
  })
  await step('administrator: users, groups, roles, assignments', async () => {
    for (const who of ['member', 'reader', 'stranger'] as const)
      has(
        await os.json(
          `user create --project ${who === 'stranger' ? n.elsewhere : n.project} --password ${n.password} ${n[who]}`,
        ),
        { name: n[who], enabled: true },
      )
    await os.run(`user set --email someone@example.org ${n.member}`)
    has(await os.json(`user show ${n.member}`), { email: 'someone@example.org' })
    row(await os.json('user list'), 'Name', n.reader)
    await os.json(`group create --description readers ${n.group}`)
    await os.run(`group add user ${n.group} ${n.reader}`)
    await os.run(`group contains user ${n.group} ${n.reader}`)
    row(await os.json(`user list --group ${n.group}`), 'Name', n.reader)
    row(await os.json('group list'), 'Name', n.group)
    await os.run(`role add --project ${n.project} --user ${n.member} member`)
    await os.run(`role add --project ${n.project} --group ${n.group} reader`)
    await os.run(`role add --project ${n.elsewhere} --user ${n.stranger} member`)
    row(await os.json(`role assignment list --names --project ${n.project}`), 'Role', 'member')
    row(await os.json(`role assignment list --names --effective --project ${n.project}`), 'Role', 'reader')
    await os.json(`role create ${n.role}`)
    await os.run(`role set --name ${n.role}-2 ${n.role}`)
    row(await os.json('role list'), 'Name', `${n.role}-2`)
    await os.json(`implied role create --implied-role reader ${n.role}-2`)
    row(await os.json('implied role list'), 'Implied Role Name', 'reader')
    await os.run(`implied role delete --implied-role reader ${n.role}-2`)
    await os.run(`role add --project ${n.project} --user ${n.member} ${n.role}-2`)
    await os.run(`role remove --project ${n.project} --user ${n.member} ${n.role}-2`)
    await os.run(`role delete ${n.role}-2`)
  })
  await step('administrator: flavors', async () => {
    has(await os.json(`flavor create --ram 128 --vcpus 1 --disk 1 ${n.flavor}`), {
      name: n.flavor,
      ram: 128,
      vcpus: 1,
    })
    has(
      await os.json(`flavor create --ram 128 --vcpus 1 --disk 1 --ephemeral 2 --swap 128 ${n.flavor}-local`),
      {
        'OS-FLV-EXT-DATA:ephemeral': 2,
        swap: 128,
      },
    )
    await os.json(`flavor create --private --ram 64 --vcpus 1 --disk 1 ${n.flavor}-private`)
    await os.run(`flavor set --project ${n.project} ${n.flavor}-private`)
    has(await os.json(`flavor show ${n.flavor}-private`), { 'os-flavor-access:is_public': false })
    await os.run(`flavor set --property hw:disk=overlay ${n.flavor}`)
    await os.run(`flavor unset --property hw:disk ${n.flavor}`)
    row(await os.json('flavor list --all --long'), 'Name', `${n.flavor}-private`)
    await os.fails('flavor show no-such-flavor', /No Flavor found|could not be found/)
  })
  await step('administrator: quotas', async () => {
    await os.run(`quota set --instances 2 --cores 8 ${n.project}`)
    await os.run(`quota set --networks 5 --routers 3 ${n.project}`)
    has(await os.json(`quota show ${n.project}`), { instances: 2, cores: 8, networks: 5, routers: 3 })
    await os.json('quota show --default')
    await os.json('quota list --compute')
    await os.json('quota list --network')
    const detail = `quota list --detail --network --project ${n.project}`
    has(row(await os.json(detail), 'Resource', 'networks'), { Limit: 5, 'In Use': 0 })
    await os.json(detail.replace('network', 'compute'))
    await os.json('limits show --absolute')
  })
  await step('administrator: hosts and services', async () => {
    const hosts = await os.json<{ ID: string; 'Hypervisor Hostname': string }[]>('hypervisor list')
    const host = text(hosts[0] ?? {}, 'Hypervisor Hostname')
    has(await os.json(`hypervisor show ${host}`), { hypervisor_hostname: host, state: 'up' })
    await os.json('hypervisor stats show')
    row(await os.json('compute service list'), 'Binary', 'nova-compute')
    await os.run(`compute service set --disable --disable-reason lunch ${host} nova-compute`)
    has(row(await os.json('compute service list --long'), 'Host', host), {
      Status: 'disabled',
      'Disabled Reason': 'lunch',
    })
    await os.run(`compute service set --enable ${host} nova-compute`)
    // Nobody may declare a host down that answers.
    await newer.fails(`compute service set --down ${host} nova-compute`, /failed to set/i)
    await newer.run(`compute service set --up ${host} nova-compute`)
    has(row(await newer.json('compute service list --long'), 'Host', host), {
      'Forced Down': false,
      State: 'up',
    })
    row(await os.json('network agent list'), 'Host', host)
    row(await os.json('availability zone list'), 'Zone Name', 'nova')
    await os.json('extension list --network')
  })
}

/** The administrator looks at the results of the member's day, and deletes them. */
export async function administratorEvening(os: StockClient, n: Names, step: Step): Promise<void> {
  await step('administrator: sees every project', async () => {
    row(await os.json('server list --all-projects --long'), 'Name', n.server)
    row(await os.json('network list'), 'Name', n.network)
    const [server] = await os.json<{ ID: string; Name: string }[]>(
      `server list --all-projects --name ${n.server}`,
    )
    await os.json(`server show --diagnostics ${server?.ID}`)
    row(await os.json('project list'), 'Name', n.project)
    await os.json(`usage show --project ${n.project}`)
  })
  await step('administrator: a user without rights and a disabled one are out', async () => {
    await os.run(`user set --disable ${n.stranger}`)
    has(await os.json(`user show ${n.stranger}`), { enabled: false })
    await os.run(`user set --enable ${n.stranger}`)
  })
}

export async function administratorNight(os: StockClient, n: Names, step: Step): Promise<void> {
  await step('administrator: deleted servers are listed, by pages', async () => {
    const list = (limit: number) =>
      os.json<{ Name: string }[]>(
        `server list --deleted --all-projects --no-name-lookup --name ${n.server} --limit ${limit}`,
      )
    // The list has the newest server first; -1 makes the client follow the markers to the end.
    row(await list(1), 'Name', n.server)
    row(await list(-1), 'Name', n.server)
  })
  await step('administrator: everything goes again', async () => {
    for (const flavor of [n.flavor, `${n.flavor}-local`, `${n.flavor}-private`])
      await os.run(`flavor delete ${flavor}`)
    for (const user of [n.member, n.reader, n.stranger]) await os.run(`user delete ${user}`)
    await os.run(`group delete ${n.group}`)
    await os.run(`project delete ${n.elsewhere}`)
    await os.run(`project delete ${n.project}`)
    await os.run(`domain set --disable ${n.domain}`)
    await os.run(`domain delete ${n.domain}`)
    without(await os.json('domain list'), 'Name', n.domain)
    without(await os.json('user list'), 'Name', n.member)
  })
}
