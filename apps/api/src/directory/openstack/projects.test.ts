import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { hexId, runPending } from '../../kernel/testing.ts'
import '../../register.ts'
import {
  base,
  closeDirectory,
  created,
  deps,
  keys,
  name,
  openDirectory,
  projectId,
  send,
  tokenOf,
} from './directory.testing.ts'

beforeAll(openDirectory)
afterAll(closeDirectory)

const anotherDomain = async (): Promise<string> =>
  (await created('/domains', 'domain', { name: name('d') })).id

describe('projects', () => {
  test('a project is made by the stock client’s body, with extra attributes and tags', async () => {
    const project = await created('/projects', 'project', {
      name: name('p'),
      enabled: true,
      options: {},
      tags: [],
      colour: 'green',
    })
    expect(keys(project)).toEqual(
      ['colour', 'id', 'name', 'domain_id', 'description', 'enabled'].concat([
        'parent_id',
        'is_domain',
        'tags',
        'options',
        'links',
      ]),
    )
    expect(project).toMatchObject({ parent_id: 'default', is_domain: false, description: '', tags: [] })
    const path = `/projects/${project.id}`
    const put = await send('PUT', `${path}/tags/${encodeURIComponent('a b')}`)
    expect([put.status, put.body, put.headers.location]).toEqual([201, '', `${base}${path}/tags/a%20b`])
    expect((await send('GET', `${path}/tags`)).json).toEqual({
      links: { self: `${base}${path}/tags` },
      tags: ['a b'],
    })
    expect((await send('HEAD', `${path}/tags/a%20b`)).status).toBe(204)
    expect((await send('GET', `${path}/tags/none`)).status).toBe(404)
    expect((await send('PUT', `${path}/tags`, { tags: ['x', 'y'] })).json.tags).toEqual(['x', 'y'])
    expect((await send('PUT', `${path}/tags`, { tags: ['x', 'x'] })).status).toBe(400)
    expect((await send('GET', '/projects?tags=x,y&not-tags=z')).json.projects).toHaveLength(1)
    expect((await send('GET', '/projects?tags-any=x,q&not-tags-any=y')).json.projects).toEqual([])
    expect((await send('DELETE', `${path}/tags/x`)).status).toBe(204)
    expect((await send('DELETE', `${path}/tags`)).status).toBe(204)
    const { json } = await send('PATCH', path, { project: { colour: null, size: 'xl' } })
    expect([json.project.size, json.project.colour, json.project.tags]).toEqual(['xl', null, []])
  })
  test('a domain is a project, too', async () => {
    const body = { name: name('d'), is_domain: true, description: 'x', tags: ['t'], colour: 'green' }
    const made = await created('/projects', 'project', body)
    expect(made).toEqual({
      ...{ ...body, id: made.id, domain_id: null, parent_id: null, enabled: true, options: {} },
      links: { self: `${base}/projects/${made.id}` },
    })
    const path = `/projects/${made.id}`
    expect((await send('GET', path)).json.project).toEqual(made)
    const { json } = await send('GET', `/domains/${made.id}`)
    expect(json.domain).toMatchObject({ id: made.id, name: body.name, tags: ['t'], colour: 'green' })
    const listed = async (query: string) =>
      (await send('GET', `/projects?${query}`)).json.projects.map((one: { id: string }) => one.id)
    expect(await listed(`is_domain=true&name=${body.name}&tags=t`)).toEqual([made.id])
    expect(await listed(`is_domain=true&name=${body.name}&not-tags=t`)).toEqual([])
    expect(await listed(`is_domain=true&domain_id=${made.id}`)).toEqual([])
    expect(await listed(`name=${body.name}`)).toEqual([])
    const again = await send('POST', '/projects', { project: { name: body.name, is_domain: true } })
    expect([again.status, again.json.error.message]).toEqual([409, expect.stringMatching(/Duplicate entry/)])
    const below = { name: name('x'), is_domain: true, parent_id: made.id }
    const refused = await send('POST', '/projects', { project: below })
    expect([refused.status, refused.json.error.message]).toEqual([
      400,
      'only root projects are allowed to act as domains.',
    ])
    const child = await created('/projects', 'project', { name: 'child', domain_id: made.id })
    // An administrator of the domain sees it, and cannot create another.
    const theirs = await tokenOf('admin', { kind: 'domain', domainId: made.id })
    expect((await send('GET', path, undefined, theirs)).json.project).toEqual(made)
    const more = { project: { name: name('x'), is_domain: true } }
    expect((await send('POST', '/projects', more, theirs)).status).toBe(403)
    expect((await send('PATCH', path, { project: { enabled: false } }, theirs)).status).toBe(403)
    const stranger = await tokenOf('admin', { kind: 'domain', domainId: await anotherDomain() })
    const unseen = await send('GET', path, undefined, stranger)
    expect([unseen.status, unseen.json.error.message]).toEqual([404, `Could not find project: ${made.id}.`])
    const tree = (await send('GET', `${path}?subtree_as_ids&parents_as_list`)).json.project
    expect([tree.subtree, tree.parents]).toEqual([{ [child.id]: null }, []])
    for (const change of [{ is_domain: false }, { domain_id: 'default' }, { parent_id: 'default' }])
      expect((await send('PATCH', path, { project: change })).status).toBe(400)
    expect((await send('PUT', `${path}/tags/u`)).status).toBe(201)
    expect((await send('DELETE', `${path}/tags/t`)).status).toBe(204)
    expect((await send('DELETE', `${path}/tags/t`)).status).toBe(404)
    // Tags that several requests add at once are all stored.
    const together = ['v', 'w', 'x', 'y', 'z']
    await Promise.all(together.map((tag) => send('PUT', `${path}/tags/${tag}`)))
    expect((await send('GET', `${path}/tags`)).json.tags.toSorted()).toEqual(['u', ...together])
    expect((await send('PUT', `${path}/tags`, { tags: ['u'] })).status).toBe(200)
    expect((await send('GET', `${path}/tags`)).json.tags).toEqual(['u'])
    expect((await send('DELETE', path)).status).toBe(400)
    const off = await send('PATCH', path, { project: { enabled: false, size: 1 } })
    expect(off.json.project).toMatchObject({ enabled: false, size: 1, is_domain: true, tags: ['u'] })
    expect((await send('DELETE', path)).status).toBe(403)
    expect((await send('DELETE', `/projects/${child.id}`)).status).toBe(204)
    expect((await send('DELETE', path)).status).toBe(204)
    expect((await send('GET', path)).status).toBe(404)
    expect((await send('GET', `/domains/${made.id}`)).status).toBe(404)
  })
  test('a list is filtered by name', async () => {
    const unique = hexId().slice(0, 10)
    for (const suffix of ['One', 'two', 'three%'])
      await created('/projects', 'project', { name: `${unique}-${suffix}` })
    const count = async (query: string) =>
      (await send('GET', `/projects?name__startswith=${unique}&${query}`)).json.projects.length
    expect(await count('')).toBe(3)
    expect(await count('name__endswith=%25')).toBe(1)
    expect(await count('name__contains=one')).toBe(0)
    expect(await count('name__icontains=ONE')).toBe(1)
    expect(await count('enabled=0')).toBe(0)
    expect(await count('enabled')).toBe(3)
    expect(await count('is_domain=true')).toBe(0)
    expect(await count('parent_id=default')).toBe(3)
    expect(await count(`parent_id=${projectId}`)).toBe(0)
  })
  test('parents and subtree are shown as ids and as lists', async () => {
    const top = await created('/projects', 'project', { name: name('top'), parent_id: 'default' })
    const middle = await created('/projects', 'project', { name: name('middle'), parent_id: top.id })
    const leaf = await created('/projects', 'project', { name: name('leaf'), parent_id: middle.id })
    const shown = async (id: string, query: string) =>
      (await send('GET', `/projects/${id}?${query}`)).json.project
    expect((await shown(leaf.id, 'parents_as_ids')).parents).toEqual({
      [middle.id]: { [top.id]: { default: null } },
    })
    expect((await shown(top.id, 'parents_as_ids')).parents).toEqual({ default: null })
    expect((await shown(top.id, 'subtree_as_ids')).subtree).toEqual({ [middle.id]: { [leaf.id]: null } })
    expect((await shown(leaf.id, 'subtree_as_ids')).subtree).toBe(null)
    const list = await shown(middle.id, 'parents_as_list&subtree_as_list')
    expect(list.parents.map((row: { project: { id: string } }) => row.project.id)).toEqual([top.id])
    expect(list.subtree).toEqual([{ project: leaf }])
    expect((await send('GET', `/projects/${leaf.id}?parents_as_list&parents_as_ids`)).status).toBe(400)
    expect((await send('DELETE', `/projects/${top.id}`)).status).toBe(403)
    // A tree is deleted from the leaves up by one request after another, although the deletions take place in the
    // background.
    for (const { id } of [leaf, middle, top]) {
      expect((await send('DELETE', `/projects/${id}`)).status).toBe(204)
      expect((await send('GET', `/projects/${id}`)).status).toBe(404)
      expect((await send('PATCH', `/projects/${id}`, { project: { enabled: true } })).status).toBe(404)
    }
    expect((await send('GET', `/projects?name=${top.name}`)).json.projects).toEqual([])
    await runPending(deps)
    expect(await deps.root.project.count({ where: { id: { in: [leaf.id, middle.id, top.id] } } })).toBe(0)
  })
  test('an immutable thing is neither changed nor deleted until the option is removed', async () => {
    for (const [path, key] of [
      ['/projects', 'project'],
      ['/domains', 'domain'],
      ['/roles', 'role'],
    ] as const) {
      const { id, options } = await created(path, key, { name: name(key), options: { immutable: true } })
      expect(options).toEqual({ immutable: true })
      const patch = (change: object) => send('PATCH', `${path}/${id}`, { [key]: change })
      expect((await patch({ description: 'x' })).status, key).toBe(403)
      expect((await send('DELETE', `${path}/${id}`)).status, key).toBe(403)
      expect((await patch({ description: 'x', options: { immutable: false } })).json[key].options).toEqual({})
    }
    const { id } = (await send('GET', '/roles?name=reader')).json.roles[0]
    const builtIn = await send('PATCH', `/roles/${id}`, {
      role: { name: 'x', options: { immutable: false } },
    })
    expect(builtIn.status).toBe(403)
  })
})
