import assert from 'node:assert/strict'
import { type Row, type StockClient, startClient } from './client.ts'
import { has, row, text, without } from './expect.ts'
import type { Names } from './main.ts'

type Step = (title: string, work: () => Promise<unknown>) => Promise<boolean>

/**
 * The commands of the directory and of the catalog that the other days do not use. They use separate names and
 * places, which are deleted at the end. `env` makes the environment of a person, for the user who changes a password.
 */
export async function directoryDay(
  os: StockClient,
  n: Names,
  step: Step,
  env: (user: string, password: string, project: string) => Record<string, string>,
): Promise<void> {
  const d = {
    domain: `${n.domain}-d`,
    project: `${n.project}-d`,
    user: `${n.member}-d`,
    group: `${n.group}-d`,
    role: `${n.role}-d`,
    service: `${n.role}-service`,
    region: `${n.role}-region`,
  }
  await domains(os, d, step)
  await people(os, d, n, step, env)
  await grants(os, d, step)
  await catalog(os, d, step)
  await step('directory: everything goes again', async () => {
    await os.run(`user delete ${d.user}`)
    await os.fails(`user show ${d.user}`, /No user with a name or ID/)
    await os.run(`group delete ${d.group}`)
    await os.run(`project delete ${d.project}-below ${d.project}`)
    without(await os.json('project list'), 'Name', d.project)
    await os.run(`role delete ${d.role}`)
    await os.fails(`domain delete ${d.domain}`, /disable/i)
    await os.run(`domain set --disable ${d.domain}`)
    await os.run(`domain delete ${d.domain}`)
    await os.fails(`domain show ${d.domain}`, /No domain with a name or ID/)
  })
}

type Made = Record<'domain' | 'project' | 'user' | 'group' | 'role' | 'service' | 'region', string>

async function domains(os: StockClient, d: Made, step: Step): Promise<void> {
  await step('directory: domains and the tree of projects', async () => {
    has(await os.json(`domain create --description night ${d.domain}`), { name: d.domain, enabled: true })
    await os.fails(`domain create ${d.domain}`, /409/)
    row(await os.json('domain list'), 'Name', d.domain)
    const inside = await os.json(`project create --domain ${d.domain} ${d.project}-inside`)
    row(await os.json(`project list --domain ${d.domain} --long`), 'ID', text(inside, 'id'))
    await os.run(`project delete --domain ${d.domain} ${d.project}-inside`)
    const top = await os.json(`project create --property colour=green --tag a --tag b ${d.project}`)
    has(top, { name: d.project, is_domain: false, parent_id: 'default' })
    assert.deepEqual([...(top.tags as string[])].sort(), ['a', 'b'])
    const below = await os.json(`project create --parent ${d.project} ${d.project}-below`)
    has(below, { parent_id: text(top, 'id') })
    has(await os.json(`project show --parents ${d.project}-below`), {
      parents: { [text(top, 'id')]: { default: null } },
    })
    has(await os.json(`project show --children ${d.project}`), { subtree: { [text(below, 'id')]: null } })
    row(await os.json(`project list --parent ${d.project}`), 'Name', `${d.project}-below`)
    row(await os.json('project list --tags a,b'), 'Name', d.project)
    without(await os.json('project list --not-tags-any b'), 'Name', d.project)
    await os.run(`project set --remove-tag a --property colour=blue ${d.project}`)
    await os.run(`project set --tag c ${d.project}`)
    const changed = await os.json(`project show ${d.project}`)
    has(changed, { colour: 'blue' })
    assert.deepEqual([...(changed.tags as string[])].sort(), ['b', 'c'])
    await os.run(`project set --disable ${d.project}-below`)
    const listed = await os.json<Row[]>('project list --long')
    has(row(listed, 'Name', `${d.project}-below`), { Enabled: false })
    await os.run(`project set --enable ${d.project}-below`)
    await os.fails(`project delete ${d.project}`, /403|below/i)
    await os.json('project list --my-projects')
  })
}

async function people(
  os: StockClient,
  d: Made,
  n: Names,
  step: Step,
  env: (user: string, password: string, project: string) => Record<string, string>,
): Promise<void> {
  await step('directory: users and groups', async () => {
    const made = await os.json(
      `user create --project ${d.project} --email a@example.org --description one --password ${n.password} --ignore-password-expiry ${d.user}`,
    )
    has(made, { name: d.user, email: 'a@example.org', description: 'one', domain_id: 'default' })
    has(made, { options: { ignore_password_expiry: true }, password_expires_at: null })
    await os.fails(`user create --password ${n.password} ${d.user}`, /409/)
    await os.run(`user set --name ${d.user} --description two --no-ignore-password-expiry ${d.user}`)
    has(await os.json(`user show ${d.user}`), { description: 'two' })
    row(await os.json('user list --long'), 'Email', 'a@example.org')
    await os.json(`group create --description first ${d.group}`)
    await os.fails(`group create ${d.group}`, /409/)
    await os.run(`group set --description second ${d.group}`)
    has(await os.json(`group show ${d.group}`), { description: 'second', domain_id: 'default' })
    row(await os.json('group list --long'), 'Description', 'second')
    await os.run(`group add user ${d.group} ${d.user}`)
    assert.match(await os.run(`group contains user ${d.group} ${d.user}`), /in group/)
    row(await os.json(`group list --user ${d.user}`), 'Name', d.group)
    row(await os.json(`user list --group ${d.group}`), 'Name', d.user)
    await os.run(`group remove user ${d.group} ${d.user}`)
    await os.fails(`group contains user ${d.group} ${d.user}`, /not in group/)
    await os.run(`role add --project ${d.project} --user ${d.user} member`)
    row(await os.json(`user list --project ${d.project}`), 'Name', d.user)
    row(await os.json(`project list --user ${d.user}`), 'Name', d.project)
  })
  await step('directory: a user changes the password', async () => {
    const next = `${n.password}-2`
    const me = startClient(env(d.user, n.password, d.project), 'user')
    await me.fails(`user password set --original-password wrong-${next} --password ${next}`, /401/)
    await me.run(`user password set --original-password ${n.password} --password ${next}`)
    await me.close()
    const again = startClient(env(d.user, next, d.project), 'user')
    has(await again.json(`user show ${d.user}`), { name: d.user })
    const project = await again.json(`project show ${d.project}`)
    has(project, { name: d.project })
    row(await again.json('project list --my-projects'), 'Name', d.project)
    row(await again.json('role assignment list --auth-user --auth-project --names'), 'Role', 'member')
    row(await again.json('federation project list'), 'Name', d.project)
    await again.fails('user list', /403/)
    await again.fails(`project set --description mine ${text(project, 'id')}`, /403/)
    await again.close()
    await os.run(`user set --password ${n.password}-3 ${d.user}`)
  })
}

async function grants(os: StockClient, d: Made, step: Step): Promise<void> {
  const assigned = async (options: string): Promise<Row[]> =>
    os.json<Row[]>(`role assignment list --names ${options}`)
  await step('directory: roles, on domains, on the system, inherited', async () => {
    has(await os.json(`role create --description first ${d.role}`), { name: d.role, domain_id: null })
    await os.fails(`role create ${d.role}`, /409/)
    await os.run(`role set --description second ${d.role}`)
    has(await os.json(`role show ${d.role}`), { description: 'second' })
    await os.json(`role create --domain ${d.domain} ${d.role}-own`)
    row(await os.json(`role list --domain ${d.domain}`), 'Name', `${d.role}-own`)
    await os.run(`role delete --domain ${d.domain} ${d.role}-own`)
    await os.fails('role delete reader', /403/)
    await os.fails('role set --name other admin', /403/)
    for (const who of [`--user ${d.user}`, `--group ${d.group}`]) {
      for (const [place, column, value] of [
        [`--project ${d.project}`, 'Project', `${d.project}@Default`],
        [`--domain ${d.domain}`, 'Domain', d.domain],
        ['--system all', 'System', 'all'],
      ]) {
        await os.run(`role add ${place} ${who} ${d.role}`)
        row(await assigned(`${who} --role ${d.role}`), String(column), value)
        await os.run(`role remove ${place} ${who} ${d.role}`)
        assert.deepEqual(await assigned(`${who} --role ${d.role}`), [])
        await os.fails(`role remove ${place} ${who} ${d.role}`, /404/)
      }
      for (const place of [`--project ${d.project}`, `--domain ${d.domain}`]) {
        await os.run(`role add --inherited ${place} ${who} ${d.role}`)
        row(await assigned(`${who} ${place} --inherited`), 'Inherited', true)
        await os.run(`role remove --inherited ${place} ${who} ${d.role}`)
      }
    }
    await os.run(`role add --inherited --project ${d.project} --user ${d.user} reader`)
    row(await assigned(`--effective --user ${d.user}`), 'Project', `${d.project}-below@Default`)
    row(await os.json('role assignment list'), 'Inherited', false)
  })
  await step('directory: what roles imply', async () => {
    has(await os.json(`implied role create --implied-role reader ${d.role}`), {
      implies: (await os.json('role show reader')).id,
    })
    row(await os.json('implied role list'), 'Prior Role Name', d.role)
    await os.run(`implied role delete --implied-role reader ${d.role}`)
    without(await os.json('implied role list'), 'Prior Role Name', d.role)
    await os.fails('implied role delete --implied-role reader member', /403/)
  })
}

async function catalog(os: StockClient, d: Made, step: Step): Promise<void> {
  await step('directory: services, endpoints and regions', async () => {
    has(await os.json(`region create --description far ${d.region}`), { region: d.region })
    await os.fails(`region create ${d.region}`, /409/)
    await os.run(`region set --description farther --parent-region RegionOne ${d.region}`)
    has(await os.json(`region show ${d.region}`), { description: 'farther', parent_region: 'RegionOne' })
    row(await os.json('region list --parent-region RegionOne'), 'Region', d.region)
    has(await os.json(`service create --name ${d.service} --description one x-day`), { type: 'x-day' })
    await os.run(`service set --name ${d.service} --description two --enable ${d.service}`)
    has(await os.json(`service show ${d.service}`), { description: 'two', enabled: true })
    row(await os.json('service list --long'), 'Name', d.service)
    const url = 'http://127.0.0.1:1/v2/%(project_id)s'
    const made = await os.json(`endpoint create --region ${d.region} ${d.service} public ${url}`)
    const id = text(made, 'id')
    has(made, { region: d.region, interface: 'public', service_type: 'x-day', url })
    await os.run(`endpoint set --url ${url}/x ${id}`)
    has(await os.json(`endpoint show ${id}`), { url: `${url}/x`, enabled: true })
    row(await os.json(`endpoint list --service ${d.service}`), 'ID', id)
    await os.fails(`region delete ${d.region}`, /403/)
    await os.run(`endpoint delete ${id}`)
    await os.run(`service delete ${d.service}`)
    without(await os.json('service list'), 'Name', d.service)
    await os.run(`region delete ${d.region}`)
    await os.fails('region delete RegionOne', /403/)
    await os.fails('service set --name x compute', /403/)
  })
}
