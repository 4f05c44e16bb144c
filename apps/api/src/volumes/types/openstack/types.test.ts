import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ask, closeCinder, cloud, openCinder } from '../../openstack/cinder.testing.ts'

beforeAll(openCinder)
afterAll(closeCinder)

const uuid = expect.stringMatching(/^[\da-f-]{36}$/)
type Method = Parameters<typeof ask>[0]
/** A request of the administrator. */
const act = (method: Method, path: string, body?: object) =>
  ask(method, path, { token: cloud.tokens.admin, ...(body ? { body } : {}) })
async function made(body: object): Promise<{ id: string }> {
  const answer = await act('POST', '/types', { volume_type: body })
  expect(answer.statusCode).toBe(200)
  return (answer.json() as { volume_type: { id: string } }).volume_type
}
async function qos(body: object): Promise<{ id: string }> {
  return ((await act('POST', '/qos-specs', { qos_specs: body })).json() as { qos_specs: { id: string } })
    .qos_specs
}
const codes = async (...requests: [Method, string, object?][]) => {
  const found: number[] = []
  for (const request of requests) found.push((await act(...request)).statusCode)
  return found
}

describe('volume types', () => {
  test('have the bodies of Cinder when they are made, changed, shown and listed', async () => {
    const id = await made({ name: 'gold', description: null, 'os-volume-type-access:is_public': true })
    const golden = {
      ...{ id: uuid, name: 'gold', is_public: true, description: null, extra_specs: {}, qos_specs_id: null },
      'os-volume-type-access:is_public': true,
    }
    expect(id).toEqual(golden)
    expect((await act('GET', `/types/${id.id}`)).json()).toEqual({ volume_type: golden })
    const { qos_specs_id: _, ...seen } = golden
    expect((await ask('GET', `/types/${id.id}`)).json()).toEqual({ volume_type: seen })
    const changed = await act('PUT', `/types/${id.id}`, {
      volume_type: { name: 'golden', description: 'fast', is_public: true },
    })
    expect(changed.json()).toEqual({ volume_type: { ...golden, name: 'golden', description: 'fast' } })
    expect(
      await codes(
        ['POST', '/types', { volume_type: { name: 'golden' } }],
        ['POST', '/types', { volume_type: { name: '  ' } }],
        ['POST', '/types', { volume_type: { name: 'x', size: 1 } }],
        ['PUT', `/types/${id.id}`, { volume_type: { name: null } }],
        ['DELETE', `/types/${id.id}`],
        ['GET', `/types/${id.id}`],
        ['DELETE', `/types/${id.id}`],
      ),
    ).toEqual([409, 400, 400, 400, 202, 404, 404])
  })

  test('are filtered by their extra specs since 3.52', async () => {
    const { id } = await made({ name: 'of specs', extra_specs: { colour: 'red', shape: 'round' } })
    const found = async (specs: string, minor = 52) => {
      const more = { token: cloud.tokens.admin, version: `volume 3.${minor}` }
      const answer = await ask('GET', `/types?is_public=None&extra_specs=${encodeURIComponent(specs)}`, more)
      return (answer.json() as { volume_types: { id: string }[] }).volume_types.map((one) => one.id)
    }
    expect(await found("{'colour': 'red', 'shape': 'round'}")).toEqual([id])
    expect(await found("{'colour': 'red', 'shape': 'square'}")).toEqual([])
    expect((await found("{'colour': 'blue'}", 51)).length).toBeGreaterThan(1)
    await act('DELETE', `/types/${id}`)
  })

  test('keep extra specs, and refuse what is not there yet', async () => {
    const { id } = await made({ name: 'specs', extra_specs: { volume_backend_name: 'local' } })
    const path = `/types/${id}/extra_specs`
    const specs = { key1: 'value1', key2: 'value2' }
    expect((await act('POST', path, { extra_specs: specs })).json()).toEqual({ extra_specs: specs })
    expect((await act('PUT', `${path}/key1`, { key1: 'other' })).json()).toEqual({ key1: 'other' })
    expect((await act('GET', `${path}/key1`)).json()).toEqual({ key1: 'other' })
    expect((await act('DELETE', `${path}/key2`)).statusCode).toBe(202)
    expect((await act('GET', path)).json()).toEqual({
      extra_specs: { key1: 'other', volume_backend_name: 'local' },
    })
    expect((await ask('GET', path)).json()).toEqual({ extra_specs: {} })
    const refused = await act('POST', path, { extra_specs: { multiattach: 'perhaps' } })
    expect([refused.statusCode, refused.body]).toEqual([400, expect.stringContaining('Write multiattach as')])
    expect(
      await codes(
        ['PUT', `${path}/key1`, { key2: 'x' }],
        ['GET', `${path}/key2`],
        ['DELETE', `${path}/key2`],
        ['POST', path, { extra_specs: {} }],
        ['POST', path, { extra_specs: { 'a b/c': 'x' } }],
      ),
    ).toEqual([400, 404, 404, 400, 400])
    expect((await act('GET', `/types/${id}/encryption`)).json()).toEqual({})
  })

  test('are encrypted in the words of Cinder, and their volumes say so', async () => {
    const { id } = await made({ name: 'luks' })
    const path = `/types/${id}/encryption`
    const words = {
      provider: 'luks',
      cipher: 'aes-xts-plain64',
      key_size: 256,
      control_location: 'front-end',
    }
    const golden = { volume_type_id: id, encryption_id: uuid, ...words }
    expect((await act('POST', path, { encryption: words })).json()).toEqual({ encryption: golden })
    expect((await act('GET', path)).json()).toEqual(golden)
    expect((await act('GET', `${path}/cipher`)).json()).toEqual({ cipher: 'aes-xts-plain64' })
    const change = { encryption: { provider: 'luks', key_size: 512 } }
    expect((await act('PUT', `${path}/provider`, change)).json()).toEqual(change)
    const wrong = (patch: object): [Method, string, object] => [
      'POST',
      path,
      { encryption: { ...words, ...patch } },
    ]
    expect(
      await codes(
        ['POST', path, { encryption: words }],
        wrong({ provider: 'plain' }),
        wrong({ cipher: 'aes-cbc-essiv' }),
        wrong({ key_size: 128 }),
        wrong({ control_location: 'back-end' }),
        ['GET', `${path}/size`],
      ),
    ).toEqual([400, 400, 400, 400, 400, 404])
    const body = { volume: { size: 1, volume_type: 'luks' } }
    const { volume } = (await ask('POST', '/volumes', { body })).json() as { volume: { id: string } }
    expect(volume).toMatchObject({ encrypted: true })
    const at = (minor: number) => ask('GET', `/volumes/${volume.id}`, { version: `volume 3.${minor}` })
    expect((await at(64)).json()).toMatchObject({ volume: { encrypted: true, encryption_key_id: uuid } })
    expect((await at(63)).json()).not.toMatchObject({ volume: { encryption_key_id: uuid } })
    expect((await ask('GET', `/volumes/${volume.id}/encryption`)).json()).toEqual({
      ...{ encryption_key_id: uuid, ...words, key_size: 512 },
    })
    expect(await codes(['DELETE', `${path}/provider`], ['PUT', `${path}/provider`, change])).toEqual([
      400, 400,
    ])
  })

  test('that are encrypted by their provider alone say what is used', async () => {
    const { id } = await made({ name: 'short' })
    const path = `/types/${id}/encryption`
    const used = { cipher: 'aes-xts-plain64', key_size: 512, control_location: 'front-end' }
    const answer = await act('POST', path, { encryption: { provider: 'luks' } })
    expect(answer.json()).toMatchObject({ encryption: used })
    expect((await act('GET', path)).json()).toMatchObject(used)
    const change = { encryption: { provider: 'luks', key_size: 256 } }
    await act('PUT', `${path}/provider`, change)
    expect((await act('GET', path)).json()).toMatchObject({ ...used, key_size: 256 })
  })

  test('that are not public have a list of projects', async () => {
    const { projectId } = cloud.owner
    const { id } = await made({ name: 'hidden', 'os-volume-type-access:is_public': false })
    expect((await ask('GET', `/types/${id}`)).statusCode).toBe(404)
    const create = { body: { volume: { size: 1, volume_type: 'hidden' } } }
    expect((await ask('POST', '/volumes', create)).statusCode).toBe(404)
    const add = { addProjectAccess: { project: projectId } }
    expect((await act('POST', `/types/${id}/action`, add)).body).toBe('')
    expect((await act('GET', `/types/${id}/os-volume-type-access`)).json()).toEqual({
      volume_type_access: [{ volume_type_id: id, project_id: projectId }],
    })
    const answer = await ask('POST', '/volumes', create)
    expect([answer.statusCode, answer.json()]).toEqual([
      202,
      { volume: expect.objectContaining({ volume_type: 'hidden' }) },
    ])
    const remove = { removeProjectAccess: { project: projectId } }
    const open = await made({ name: 'open' })
    expect(
      await codes(
        ['POST', `/types/${id}/action`, add],
        ['POST', `/types/${id}/action`, remove],
        ['POST', `/types/${id}/action`, remove],
        ['POST', `/types/${open.id}/action`, add],
        ['GET', `/types/${open.id}/os-volume-type-access`],
        ['DELETE', `/types/${id}`],
      ),
    ).toEqual([409, 202, 404, 400, 404, 400])
  })
})

test('default types of projects came with 3.62', async () => {
  const { projectId } = cloud.owner
  const { id } = await made({ name: 'own' })
  const path = `/default-types/${projectId}`
  const send = (method: Method, to: string, body?: object, version = 'volume 3.62') =>
    ask(method, to, { token: cloud.tokens.admin, version, ...(body ? { body } : {}) })
  const wish = (volume_type: string) => ({ default_type: { volume_type } })
  const golden = { project_id: projectId, volume_type_id: id }
  expect((await send('PUT', path, wish('own'), 'volume 3.61')).statusCode).toBe(404)
  expect((await send('PUT', path, wish('nope'))).statusCode).toBe(404)
  expect((await send('PUT', path, wish('own'))).json()).toEqual({ default_type: golden })
  expect((await send('GET', path)).json()).toEqual({ default_type: golden })
  expect((await send('GET', '/default-types')).json()).toEqual({ default_types: [golden] })
  expect((await ask('GET', '/types/default')).json()).toMatchObject({ volume_type: { id } })
  expect((await send('DELETE', path)).statusCode).toBe(204)
  expect((await send('DELETE', path)).statusCode).toBe(404)
})

describe('QoS specs', () => {
  test('have the bodies of Cinder and are joined with types by GET', async () => {
    const wish = { name: 'fast', consumer: 'front-end', total_iops_sec: '500' }
    const answer = await act('POST', '/qos-specs', { qos_specs: wish })
    const { id } = (answer.json() as { qos_specs: { id: string } }).qos_specs
    const golden = { id, name: 'fast', consumer: 'front-end', specs: { total_iops_sec: '500' } }
    const base = 'http://cloud.test/volume'
    const shown = {
      qos_specs: golden,
      links: [
        { rel: 'self', href: `${base}/v3/${cloud.owner.projectId}/qos-specs/${id}` },
        { rel: 'bookmark', href: `${base}/${cloud.owner.projectId}/qos-specs/${id}` },
      ],
    }
    expect(answer.json()).toEqual(shown)
    const path = `/qos-specs/${id}`
    expect((await act('GET', path)).json()).toEqual(shown)
    expect((await act('GET', '/qos-specs')).json()).toEqual({ qos_specs: [golden] })
    expect((await act('PUT', path, { qos_specs: { delay: '1' } })).json()).toEqual({
      qos_specs: { delay: '1' },
    })
    const type = await made({ name: 'fast' })
    const other = await qos({ name: 'slow' })
    expect(
      await codes(
        ['GET', `${path}/associate?vol_type_id=${type.id}`],
        ['GET', `${path}/associate?vol_type_id=${type.id}`],
        ['GET', `/qos-specs/${other.id}/associate?vol_type_id=${type.id}`],
        ['GET', `${path}/associate`],
        ['GET', `${path}/associate?vol_type_id=${crypto.randomUUID()}`],
        ['PUT', `${path}/delete_keys`, { keys: ['delay'] }],
        ['PUT', `${path}/delete_keys`, { keys: ['delay'] }],
        ['DELETE', path],
        ['PUT', path, { qos_specs: { read_iops_sec: '1' } }],
        ['POST', '/qos-specs', { qos_specs: { name: 'fast' } }],
      ),
    ).toEqual([202, 202, 400, 400, 404, 202, 404, 400, 400, 409])
    expect((await act('GET', `${path}/associations`)).json()).toEqual({
      qos_associations: [{ association_type: 'volume_type', name: 'fast', id: type.id }],
    })
    expect((await act('GET', `/types/${type.id}`)).json()).toMatchObject({
      volume_type: { qos_specs_id: id },
    })
    expect(
      await codes(
        ['GET', `${path}/disassociate?vol_type_id=${type.id}`],
        ['GET', `${path}/disassociate?vol_type_id=${type.id}`],
        ['GET', `${path}/disassociate_all`],
        ['GET', `${path}/associate?vol_type_id=${type.id}`],
        ['DELETE', `${path}?force=perhaps`],
        ['DELETE', `${path}?force=True`],
        ['GET', path],
        ['GET', '/qos-specs/nope'],
      ),
    ).toEqual([202, 400, 202, 202, 400, 202, 404, 404])
  })
})
