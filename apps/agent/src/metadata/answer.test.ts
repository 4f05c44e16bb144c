import fs from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import type { InstanceSpec } from '@stratolith/drivers/hypervisor/interface'
import type { RecordedPort } from '@stratolith/drivers/network/interface'
import { netmask } from '@stratolith/drivers/network/ipv4'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { answer } from './answer.ts'
import { SourceLimits } from './limits.ts'
import { passwordFiles } from './password.ts'
import type { Subject } from './reply.ts'

const userData = Buffer.concat([Buffer.from([0, 255, 10]), Buffer.alloc(65_533, 7)])
const spec: InstanceSpec = {
  id: '0f0e0d0c-1111-4222-8333-444455556666',
  projectId: 'abc',
  name: 'Web é 1',
  vcpus: 1,
  memoryMib: 128,
  power: 'running',
  disks: [],
  nics: [],
  volumes: [],
  guest: {
    hostname: 'web-1',
    zone: 'nova',
    launchIndex: 2,
    metadata: { role: 'front' },
    publicKeys: [
      { name: 'laptop', key: 'ssh-ed25519 AAAA laptop' },
      { name: 'desk', key: 'ssh-ed25519 BBBB desk' },
    ],
    userData: userData.toString('base64'),
    securityGroups: ['default', 'web'],
    flavorName: 'tiny',
    imageId: '12345678-1111-4222-8333-444455556666',
  },
}
const network = {
  id: 'net',
  tag: 1,
  mtu: 1450,
  external: false,
  subnets: [
    {
      id: 's1',
      cidr: '10.0.0.0/24',
      gatewayIp: '10.0.0.1',
      dhcp: true,
      dhcpIp: '10.0.0.2',
      dns: ['9.9.9.9'],
    },
    {
      id: 's2',
      cidr: '10.1.0.0/20',
      gatewayIp: '10.1.0.1',
      dhcp: false,
      dhcpIp: null,
      dns: ['9.9.9.9', '1.1.1.1'],
    },
  ],
}
const port: RecordedPort = {
  network,
  tap: 'tap1',
  floatingIps: [{ address: '172.24.4.7', fixedAddress: '10.0.0.5' }],
  port: {
    id: 'aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee',
    tag: 1,
    networkId: 'net',
    mac: 'fa:16:3e:00:00:01',
    mtu: 1450,
    addresses: [
      { subnetId: 's1', ip: '10.0.0.5', prefix: 24 },
      { subnetId: 's2', ip: '10.1.0.5', prefix: 20 },
    ],
    hostname: 'web-1',
    instanceId: spec.id,
    projectId: 'abc',
    portSecurity: true,
    adminUp: true,
    rules: [],
  },
}
const subject: Subject = { spec, ports: [port] }
const bare: Subject = {
  spec: { ...spec, guest: { ...spec.guest, userData: null, publicKeys: [], metadata: {} } },
  ports: [{ ...port, floatingIps: [] }],
}

let dir = ''
beforeEach(async () => {
  dir = await fs.mkdtemp(path.join(os.tmpdir(), 'metadata-'))
  await fs.mkdir(path.join(dir, spec.id))
})
afterEach(() => fs.rm(dir, { recursive: true }))

async function ask(
  url: string,
  options: { method?: string; body?: Buffer; of?: Subject; today?: string } = {},
) {
  const { method = 'GET', body = Buffer.alloc(0), of = subject, today = '2026-01-01' } = options
  const given = await answer({ method, path: url, body }, of, passwordFiles(dir), today)
  return { ...given, text: given.body.toString() }
}
const jsonOf = async (url: string, of?: Subject) =>
  JSON.parse((await ask(url, { of })).text) as Record<string, unknown>

describe('the OpenStack tree', () => {
  it('lists the versions up to today and serves every one that it lists', async () => {
    const list = (await ask('/openstack')).text.split('\n')
    expect(list).toHaveLength(11)
    expect(list.slice(-2)).toEqual(['2025-04-04', 'latest'])
    expect((await ask('/openstack/', { today: '2024-12-31' })).text).not.toContain('2025-04-04')
    for (const version of list)
      for (const file of (await ask(`/openstack/${version}`)).text.split('\n'))
        expect((await ask(`/openstack/${version}/${file}`)).status, `${version}/${file}`).toBe(200)
  })

  it('shows each file from the version on that has it', async () => {
    expect((await ask('/openstack/2012-08-10/')).text).toBe('meta_data.json\nuser_data')
    expect((await ask('/openstack/2013-10-17', { of: bare })).text).toBe(
      'meta_data.json\npassword\nvendor_data.json',
    )
    expect((await ask('/openstack/2012-08-10/network_data.json')).status).toBe(404)
    expect((await ask('/openstack/latest/user_data', { of: bare })).status).toBe(404)
  })

  it('describes the guest', async () => {
    const latest = await jsonOf('/openstack/latest/meta_data.json')
    expect(latest).toMatchObject({
      uuid: spec.id,
      name: 'Web é 1',
      hostname: 'web-1',
      launch_index: 2,
      availability_zone: 'nova',
      meta: { role: 'front' },
      public_keys: { laptop: 'ssh-ed25519 AAAA laptop', desk: 'ssh-ed25519 BBBB desk' },
      keys: [{ name: 'laptop', type: 'ssh', data: 'ssh-ed25519 AAAA laptop' }, { name: 'desk' }],
      project_id: 'abc',
      devices: [],
      dedicated_cpus: [],
    })
    expect(Buffer.from(String(latest.random_seed), 'base64')).toHaveLength(512)
    expect((await jsonOf('/openstack/latest/meta_data.json')).random_seed).not.toBe(latest.random_seed)
    expect(Object.keys(await jsonOf('/openstack/2012-08-10/meta_data.json', bare))).toEqual([
      'uuid',
      'hostname',
      'name',
      'launch_index',
      'availability_zone',
    ])
  })

  it('hands out user data byte for byte (A07.8)', async () => {
    const given = await ask('/openstack/latest/user_data')
    expect(given.type).toBe('application/octet-stream')
    expect(given.body.equals(userData)).toBe(true)
    expect((await ask('/latest/user-data')).body.equals(userData)).toBe(true)
  })

  it('describes the network', async () => {
    expect(await jsonOf('/openstack/latest/network_data.json')).toEqual({
      links: [
        {
          id: 'tapaaaaaaaa-bb',
          vif_id: port.port.id,
          type: 'bridge',
          mtu: 1450,
          ethernet_mac_address: 'fa:16:3e:00:00:01',
        },
      ],
      networks: [
        { id: 'network0', link: 'tapaaaaaaaa-bb', network_id: 'net', type: 'ipv4_dhcp' },
        {
          id: 'network1',
          link: 'tapaaaaaaaa-bb',
          network_id: 'net',
          type: 'ipv4',
          ip_address: '10.1.0.5',
          netmask: '255.255.240.0',
          routes: [{ network: '0.0.0.0', netmask: '0.0.0.0', gateway: '10.1.0.1' }],
          services: [
            { type: 'dns', address: '9.9.9.9' },
            { type: 'dns', address: '1.1.1.1' },
          ],
        },
      ],
      services: [
        { type: 'dns', address: '9.9.9.9' },
        { type: 'dns', address: '1.1.1.1' },
      ],
    })
    expect([0, 1, 24, 31, 32].map(netmask)).toEqual([
      '0.0.0.0',
      '128.0.0.0',
      '255.255.255.0',
      '255.255.255.254',
      '255.255.255.255',
    ])
  })

  it('takes a password once, of at most 1020 bytes (A07.6)', async () => {
    const post = (body: string) =>
      ask('/openstack/2013-10-17/password', { method: 'POST', body: Buffer.from(body) })
    expect((await ask('/openstack/latest/password')).text).toBe('')
    expect((await post('x'.repeat(1021))).status).toBe(400)
    const both = await Promise.all([post('first'), post('second')])
    expect(both.map((given) => given.status).sort()).toEqual([200, 409])
    expect((await post('third')).status).toBe(409)
    expect((await ask('/openstack/latest/password')).text).toMatch(/^(first|second)$/)
    expect(await fs.readdir(path.join(dir, spec.id))).toEqual(['password'])
  })
})

describe('the EC2 tree', () => {
  it('lists like Nova', async () => {
    expect((await ask('/')).text.split('\n')).toHaveLength(10)
    expect((await ask('/latest')).text).toBe('meta-data/\nuser-data')
    expect((await ask('/latest', { of: bare })).text).toBe('meta-data/')
    expect((await ask('/1.0/meta-data/')).text.split('\n')).toEqual([
      'ami-id',
      'ami-launch-index',
      'ami-manifest-path',
      'hostname',
      'instance-id',
      'local-ipv4',
      'public-keys/',
      'reservation-id',
      'security-groups',
    ])
    expect((await ask('/latest/meta-data')).text).toContain('block-device-mapping/\n')
  })

  it('answers single values without a line break', async () => {
    const value = async (name: string, of?: Subject) => (await ask(`/latest/meta-data/${name}`, { of })).text
    expect(await value('public-ipv4')).toBe('172.24.4.7')
    expect(await value('public-ipv4', bare)).toBe('')
    expect(await value('local-ipv4')).toBe('10.0.0.5')
    expect(await value('placement/availability-zone')).toBe('nova')
    expect(await value('instance-id')).toBe('i-0f0e0d0c')
    expect(await value('security-groups')).toBe('default\nweb')
    expect(await value('public-keys/')).toBe('0=laptop\n1=desk')
    expect(await value('public-keys/1')).toBe('openssh-key')
    expect(await value('public-keys/1/openssh-key')).toBe('ssh-ed25519 BBBB desk')
    expect(await value('block-device-mapping/root')).toBe('/dev/vda')
  })

  it('names the ephemeral and swap disks as Nova does, by which cloud-init mounts them', async () => {
    const disk = (id: string, kind?: 'ephemeral' | 'swap') => ({
      ...{ id, path: `/d/${id}`, format: 'qcow2' as const, boot: kind === undefined, kind },
    })
    const volume = (id: string, boot?: true) => ({
      ...{ id, pool: { driver: 'files' as const, id: 'local' }, readOnly: false, boot },
    })
    const others = [disk('e0', 'ephemeral'), disk('e1', 'ephemeral'), disk('s', 'swap')]
    const told = async (more: Partial<InstanceSpec>) => {
      const of = { ...subject, spec: { ...spec, ...more } }
      const names = (await ask('/latest/meta-data/block-device-mapping/', { of })).text.split('\n')
      const value = async (name: string) =>
        (await ask(`/latest/meta-data/block-device-mapping/${name}`, { of })).text
      return Object.fromEntries(await Promise.all(names.map(async (name) => [name, await value(name)])))
    }
    const mapping = {
      ...{ ami: 'vda', root: '/dev/vda' },
      ...{ ephemeral0: '/dev/vdb', ephemeral1: '/dev/vdc', swap: '/dev/vdd' },
    }
    expect(await told({ disks: [disk('r'), ...others], volumes: [volume('v')] })).toEqual(mapping)
    // A volume that is the root disk comes before the disks of the host.
    expect(await told({ disks: others, volumes: [volume('v', true), volume('w')] })).toEqual(mapping)
    expect(await told({ disks: [disk('r'), disk('s', 'swap')], diskBus: 'scsi' })).toEqual({
      ...{ ami: 'sda', root: '/dev/sda', swap: '/dev/sdb' },
    })
  })
})

describe('everything else', () => {
  it.each([
    '/nothing',
    '/openstack/2011-01-01/meta_data.json',
    '/openstack/latest/meta_data.json/x',
    '/openstack/latest/../latest',
    '/latest/meta-data/constructor',
    '/latest/meta-data/__proto__',
    '/latest/meta-data/hostname/x',
    '/latest/%',
    'http://127.0.0.1/latest',
    '*',
  ])('%s is 404', async (url) => {
    expect((await ask(url)).status).toBe(404)
  })

  it.each([
    ['POST', '/openstack/latest/meta_data.json'],
    ['PUT', '/openstack/latest/password'],
    ['HEAD', '/latest/user-data'],
    ['DELETE', '/'],
  ])('%s %s is 405', async (method, url) => {
    expect((await ask(url, { method })).status).toBe(405)
  })
})

describe('limits of one source', () => {
  it('bounds connections and the rate, and leaves other sources alone', () => {
    let now = 0
    const limits = new SourceLimits({ connections: 2, rate: 10, burst: 3 }, () => now)
    expect([limits.opened('a'), limits.opened('a'), limits.opened('a')]).toEqual([true, true, false])
    limits.closed('a')
    expect(limits.opened('a')).toBe(true)
    expect([1, 2, 3, 4].map(() => limits.asked('a'))).toEqual([true, true, true, false])
    expect(limits.asked('b')).toBe(true)
    now = 200
    expect([1, 2, 3].map(() => limits.asked('a'))).toEqual([true, true, false])
  })
})
