import { execFileSync, spawn } from 'node:child_process'
import type { InstanceSpec } from '@stratolith/drivers/hypervisor/interface'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { MetadataService } from './service.ts'

/** Uses two networks with the same addresses, each in its own namespace; curl inside plays the guests. */
const run = crypto.randomUUID().slice(0, 4)
const namespaces = [`mdt${run}a`, `mdt${run}b`]
const ip = (...args: string[]) => execFileSync('ip', args, { stdio: 'pipe' })
const make = (name: string) => {
  ip('netns', 'add', name)
  ip('-n', name, 'link', 'set', 'lo', 'up')
  for (const address of ['169.254.169.254/32', '10.0.0.5/32', '10.0.0.6/32'])
    ip('-n', name, 'addr', 'add', address, 'dev', 'lo')
}

const guests: Record<string, string> = {
  'net-a/10.0.0.5': 'guest-a5',
  'net-b/10.0.0.5': 'guest-b5',
  'net-a/10.0.0.6': 'guest-a6',
}
const passwords = new Map<string, string>()
let served = [
  { networkId: 'net-a', namespace: namespaces[0] ?? '' },
  { networkId: 'net-b', namespace: namespaces[1] ?? '' },
]
let changed: () => void = () => undefined
const service = new MetadataService({
  log: pino({ level: process.env.TEST_LOG ?? 'silent' }),
  passwords: {
    read: async (id) => passwords.get(id) ?? '',
    writeOnce: async (id, password) => !passwords.has(id) && !!passwords.set(id, password),
  },
  hypervisor: {
    specOf: async (id) => ({ id, name: id, projectId: 'p', guest: guest() }) as unknown as InstanceSpec,
  },
  network: {
    findPort: (networkId, address) => {
      const instanceId = guests[`${networkId}/${address}`]
      return instanceId === undefined ? null : { portId: 'port', instanceId, projectId: 'p' }
    },
    portsOf: () => [],
    metadataNamespaces: () => served,
    onMetadataChange: (listener) => {
      changed = listener
      return () => undefined
    },
  },
})
const guest = () => ({
  hostname: 'h',
  zone: 'nova',
  launchIndex: 0,
  metadata: {},
  publicKeys: [],
  userData: null,
  securityGroups: [],
  flavorName: 'tiny',
  imageId: null,
})

type Reply = { status: number; body: string }
async function curl(namespace: string, path: string, ...args: string[]): Promise<Reply> {
  const child = spawn('nsenter', [
    `--net=/run/netns/${namespace}`,
    'curl',
    '-s',
    '--noproxy',
    '*',
    '--max-time',
    '5',
    '-w',
    '\n%{http_code}',
    ...args,
    `http://169.254.169.254${path}`,
  ])
  let out = ''
  for await (const chunk of child.stdout) out += chunk
  const cut = out.lastIndexOf('\n')
  return { status: Number(out.slice(cut + 1)), body: out.slice(0, cut) }
}
const uuidOf = async (namespace: string, ...args: string[]) =>
  (JSON.parse((await curl(namespace, '/openstack/latest/meta_data.json', ...args)).body) as { uuid: string })
    .uuid

beforeAll(async () => {
  for (const name of namespaces) make(name)
  await service.start()
})
afterAll(async () => {
  await service.stop()
  for (const name of namespaces) ip('netns', 'del', name)
})

describe('metadata inside namespaces', () => {
  const [a = '', b = ''] = namespaces

  it('gives the same address in each of two networks the metadata of its own guest (A07.2)', async () => {
    expect(await uuidOf(a, '--interface', '10.0.0.5')).toBe('guest-a5')
    expect(await uuidOf(b, '--interface', '10.0.0.5')).toBe('guest-b5')
    expect(await uuidOf(a, '--interface', '10.0.0.6')).toBe('guest-a6')
  })

  it('tells an address without a port nothing', async () => {
    expect((await curl(b, '/openstack/latest/meta_data.json', '--interface', '10.0.0.6')).status).toBe(404)
  })

  it('believes no header (A07.1) and is no proxy (A07.9)', async () => {
    const headers = [
      'X-Forwarded-For: 10.0.0.6',
      'X-Instance-ID: guest-a6',
      'x-instance-id: guest-b5',
      'X-Tenant-ID: other',
      'Forwarded: for=10.0.0.6',
      'Host: attacker',
    ]
    expect(await uuidOf(a, '--interface', '10.0.0.5', ...headers.flatMap((h) => ['-H', h]))).toBe('guest-a5')
    const proxied = await curl(
      a,
      '/',
      '--interface',
      '10.0.0.5',
      '--request-target',
      'http://127.0.0.1/latest/',
    )
    expect(proxied.status).toBe(404)
  })

  it('never shows the old guest of an address that is used again (A07.5)', async () => {
    guests['net-a/10.0.0.6'] = 'guest-new'
    expect(await uuidOf(a, '--interface', '10.0.0.6')).toBe('guest-new')
  })

  it('keeps a password once, for its own guest (A07.6)', async () => {
    const post = (size: number) =>
      curl(a, '/openstack/2013-10-17/password', '--interface', '10.0.0.5', '-d', 'x'.repeat(size))
    expect((await post(1021)).status).toBe(400)
    expect((await post(100_000)).status).toBe(400)
    expect((await post(1020)).status).toBe(200)
    expect((await post(10)).status).toBe(409)
    expect((await curl(a, '/openstack/latest/password', '--interface', '10.0.0.5')).body).toBe(
      'x'.repeat(1020),
    )
    expect((await curl(a, '/openstack/latest/password', '--interface', '10.0.0.6')).body).toBe('')
  })

  it('refuses oversized headers', async () => {
    expect((await curl(a, '/', '--interface', '10.0.0.5', '-H', `X: ${'y'.repeat(10_000)}`)).status).toBe(431)
  })

  it('serves others while one guest floods it (A07.7)', async () => {
    let over = false
    const flood = Array.from({ length: 4 }, () =>
      curl(a, '/[1-2000]', '--interface', '10.0.0.5').finally(() => {
        over = true
      }),
    )
    expect(await uuidOf(a, '--interface', '10.0.0.6')).toBe('guest-new')
    expect(over, 'served beside the flood, not after it').toBe(false)
    const replies = await Promise.all(flood)
    expect(
      replies.some(
        (reply) => reply.body.includes('Slow down.') || reply.status === 429 || reply.status === 0,
      ),
    ).toBe(true)
    await new Promise((resolve) => setTimeout(resolve, 3_500))
  })

  it('follows a namespace that is removed and made anew under the same name', async () => {
    served = served.filter((n) => n.networkId !== 'net-b')
    changed()
    await service.sync()
    expect(service.networks).toEqual(['net-a'])
    expect((await curl(b, '/', '--interface', '10.0.0.5')).status).toBe(0)
    ip('netns', 'del', a)
    make(a)
    await service.sync()
    expect(await uuidOf(a, '--interface', '10.0.0.5')).toBe('guest-a5')
  })
})
