import fs from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { DriverError } from '../errors.ts'
import { createFakeNetwork, type FakeNetwork } from '../network/fake.ts'
import type { PortSpec } from '../network/interface.ts'
import type { Op } from '../op.ts'
import type { HostDocument } from './interface.ts'
import { folder, keeperOf, network, of, op, outcomes, port, router, ssh } from './keeper.testing.ts'

describe('an exchange in one delivery', () => {
  it('succeeds for two ports that swap addresses and for three ports in a ring', async () => {
    const fake = createFakeNetwork()
    const keeper = keeperOf(fake)
    const addresses = ['10.0.0.11', '10.0.0.12', '10.0.0.13']
    const at = (turn: number, generation: number) =>
      addresses.map((_, i) => of.port(port(i + 1, addresses[(i + turn) % 3] ?? ''), generation))
    await keeper.apply(op, [of.network(network()), ...at(0, 1)])
    expect(outcomes(await keeper.apply(op, at(1, 2)))).toEqual(['reached', 'reached', 'reached'])
    const pair = [
      of.port(port(1, '10.0.0.13'), 3),
      of.port(port(2, '10.0.0.12'), 3),
      of.port(port(3, '10.0.0.11'), 3),
    ]
    expect(outcomes(await keeper.apply(op, pair))).toEqual(['reached', 'reached', 'reached'])
    const held = [...fake.state.ports.values()].map((one) => one.addresses[0]?.ip)
    expect(held).toEqual(['10.0.0.13', '10.0.0.12', '10.0.0.11'])
  })

  it('succeeds for two routers that swap their external and floating addresses', async () => {
    const fake = createFakeNetwork()
    const keeper = keeperOf(fake)
    const before = [
      of.router(router(1, '10.0.0.21', '10.0.0.31')),
      of.router(router(2, '10.0.0.22', '10.0.0.32')),
    ]
    await keeper.apply(op, [of.network(network(true)), ...before])
    const after = [
      of.router(router(1, '10.0.0.22', '10.0.0.32'), 2),
      of.router(router(2, '10.0.0.21', '10.0.0.31'), 2),
    ]
    expect(outcomes(await keeper.apply(op, after))).toEqual(['reached', 'reached'])
    expect(fake.state.routers.get('router-1')).toEqual(router(1, '10.0.0.22', '10.0.0.32'))
  })

  it('fails with a conflict for a port whose address nobody gives up, and the other documents go on', async () => {
    const keeper = keeperOf(createFakeNetwork())
    await keeper.apply(op, [of.network(network()), of.port(port(1, '10.0.0.11'))])
    const receipts = await keeper.apply(op, [of.port(port(2, '10.0.0.11')), of.port(port(3, '10.0.0.13'))])
    expect(receipts).toMatchObject([{ outcome: 'failed', code: 'conflict' }, { outcome: 'reached' }])
  })
})

describe('an exchange that cannot be made', () => {
  const addressesOf = (fake: FakeNetwork) =>
    [...fake.state.ports.values()].map((one) => one.addresses.map(({ ip }) => ip))
  const with2 = (tag: number, ip: string, other: string): PortSpec => {
    const one = port(tag, ip)
    return { ...one, addresses: [...one.addresses, { subnetId: 'sub', ip: other, prefix: 24 }] }
  }
  const ips = ['10.0.0.11', '10.0.0.12', '10.0.0.13', '10.0.0.14']
  /** Two ports or routers, which swap their addresses in the second generation. */
  const two = (kind: 'port' | 'router', generation: 1 | 2) => {
    const at = [...(generation === 1 ? ['10.0.0.11', '10.0.0.12'] : ['10.0.0.12', '10.0.0.11'])]
    return at.map((ip, i) =>
      kind === 'port'
        ? of.port(port(i + 1, ip), generation)
        : of.router(router(i + 1, ip, `10.0.0.3${i + 1}`), generation),
    )
  }
  /** Makes the exchange fail after the first thing has given up its address. Returns the function that mends it. */
  const breakExchange = (fake: FakeNetwork, kind: 'port' | 'router'): (() => void) => {
    const method = kind === 'port' ? 'ensurePort' : 'ensureRouter'
    const work = fake[method].bind(fake) as (op: Op, spec: never) => Promise<never>
    let isBroken = true
    fake[method] = async (given: Op, spec: { id: string }) => {
      const isNew = JSON.stringify(spec).includes(spec.id.endsWith('2') ? '10.0.0.11' : '10.0.0.12')
      const isFree = !JSON.stringify(fake.state[`${kind}s`].get(`${kind}-1`)).includes('10.0.0.11')
      if (isBroken && isNew && isFree) throw new DriverError('failed', 'nft: no')
      return work(given, spec as never)
    }
    return () => {
      isBroken = false
    }
  }

  it('leaves each port its addresses while ports wait for addresses of others', async () => {
    const fake = createFakeNetwork()
    const keeper = keeperOf(fake)
    await keeper.apply(op, [of.network(network()), ...ips.map((ip, i) => of.port(port(i + 1, ip)))])
    const wishes = [
      of.port(with2(3, '10.0.0.13', '10.0.0.11'), 2),
      of.port(with2(4, '10.0.0.14', '10.0.0.12'), 2),
    ]
    expect(await keeper.apply(op, wishes)).toMatchObject([{ code: 'conflict' }, { code: 'conflict' }])
    expect(addressesOf(fake)).toEqual(ips.map((ip) => [ip]))
  })

  it('leaves a router its addresses also when an unrelated document waits in the same delivery', async () => {
    const fake = createFakeNetwork()
    const keeper = keeperOf(fake)
    const routers = [
      of.router(router(1, '10.0.0.21', '10.0.0.31')),
      of.router(router(2, '10.0.0.22', '10.0.0.32')),
    ]
    await keeper.apply(op, [of.network(network()), of.port(port(1, '10.0.0.11')), of.network(network(true))])
    await keeper.apply(op, routers)
    const wishes: HostDocument[] = [
      of.router(router(1, '10.0.0.21', '10.0.0.32'), 2),
      { kind: 'network', id: 'net', generation: 2, body: null },
    ]
    expect(outcomes(await keeper.apply(op, wishes))).toEqual(['failed', 'failed'])
    expect(fake.state.routers.get('router-1')).toEqual(router(1, '10.0.0.21', '10.0.0.31'))
  })

  it('gives the thing that gave way its addresses back', async () => {
    for (const kind of ['port', 'router'] as const) {
      const fake = createFakeNetwork()
      const keeper = keeperOf(fake)
      await keeper.apply(op, [of.network(network()), of.network(network(true))])
      await keeper.apply(op, two(kind, 1))
      const mend = breakExchange(fake, kind)
      const wishes = two(kind, 2)
      expect(outcomes(await keeper.apply(op, wishes))).toEqual(['failed', 'failed'])
      expect(JSON.stringify(fake.state[`${kind}s`].get(`${kind}-1`)), kind).toContain('10.0.0.11')
      mend()
      expect(outcomes(await keeper.apply(op, wishes))).toEqual(['reached', 'reached'])
    }
  })

  it.each(['port', 'router'] as const)(
    'gives a %s its addresses back also after the agent was killed',
    async (kind) => {
      for (let steps = 0; ; steps++) {
        const [dir, fake] = [folder(), createFakeNetwork()]
        const keeper = keeperOf(fake, dir)
        await keeper.apply(op, [of.network(network()), of.network(network(true)), ...two(kind, 1)])
        breakExchange(fake, kind)
        const killed = new Promise<void>((resolve) => fake.killAfter(steps, resolve))
        const ended = keeper.apply(op, two(kind, 2)).then(() => 'ended' as const)
        const isOver = (await Promise.race([killed, ended])) === 'ended'
        const fake2 = createFakeNetwork({ state: fake.state })
        await fake2.restore(op)
        const mend = breakExchange(fake2, kind)
        const next = keeperOf(fake2, dir)
        expect(outcomes(await next.apply(op, two(kind, 2)))).toEqual(['failed', 'failed'])
        const where = `killed after ${steps} steps`
        expect(JSON.stringify(fake.state[`${kind}s`].get(`${kind}-1`)), where).toContain('10.0.0.11')
        mend()
        expect(outcomes(await next.apply(op, two(kind, 2))), where).toEqual(['reached', 'reached'])
        if (!isOver) continue
        expect(steps).toBeGreaterThan(3)
        return
      }
    },
  )
})

describe('a failure', () => {
  it('of any kind concerns its own document alone', async () => {
    const fake = createFakeNetwork()
    const dir = folder()
    const keeper = keeperOf(fake, dir)
    await keeper.apply(op, [of.network(network())])
    const inTheWay = path.join(dir, 'port/port-1.json.tmp')
    fs.mkdirSync(inTheWay)
    const both = [of.port(port(1, '10.0.0.11')), of.port(port(2, '10.0.0.12'))]
    expect(await keeper.apply(op, both)).toMatchObject([
      { id: 'port-1', outcome: 'failed', code: 'failed', message: expect.stringContaining('EISDIR') },
      { outcome: 'reached' },
    ])
    expect(fake.state.ports.has('port-1')).toBe(false)
    // The document is not known to the host: not even its generation is on the disk.
    expect(await keeper.list(op, 'port')).toMatchObject([{ id: 'port-2' }])
    fs.rmdirSync(inTheWay)
    expect(outcomes(await keeper.apply(op, both))).toEqual(['reached', 'reached'])
  })

  it('because the disk is full has the code no_space', async () => {
    const fake = createFakeNetwork()
    fake.ensureNetwork = async () => {
      throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' })
    }
    expect(await keeperOf(fake).apply(op, [of.network(network())])).toMatchObject([
      { outcome: 'failed', code: 'no_space' },
    ])
  })
})

describe('documents of one thing', () => {
  it('count as reached no longer when a repetition fails', async () => {
    const fake = createFakeNetwork()
    const dir = folder()
    const keeper = keeperOf(fake, dir)
    const document = of.network(network(), 3)
    await keeper.apply(op, [document])
    fake.failNext('ensureNetwork', new DriverError('failed', 'nft: no'))
    expect(outcomes(await keeper.apply(op, [document]))).toEqual(['failed'])
    const kept = { id: 'net', generation: 3, reached: false }
    expect(await keeper.list(op, 'network')).toMatchObject([kept])
    expect(await keeperOf(fake, dir).list(op, 'network')).toMatchObject([kept])
    await keeper.apply(op, [document])
    expect(await keeper.list(op, 'network')).toMatchObject([{ ...kept, reached: true }])
  })

  it('end as the newer one says when two are delivered at once, in either order', async () => {
    for (const [first, second] of [
      [1, 2],
      [2, 1],
    ] as const) {
      const fake = createFakeNetwork()
      const dir = folder()
      const keeper = keeperOf(fake, dir)
      await keeper.apply(op, [of.network(network())])
      const rulesAt = (generation: number) => (generation === 1 ? ssh : [])
      const deliver = (generation: number) =>
        keeper.apply(op, [of.port(port(1, '10.0.0.11', rulesAt(generation)), generation)])
      const older = deliver(first)
      const newer = Array.from({ length: 20 }, () => deliver(second))
      await Promise.all([older, ...newer])
      expect(fake.state.ports.get('port-1')?.rules, `${first} before ${second}`).toEqual([])
      const again = keeperOf(fake, dir)
      expect((await again.list(op, 'port')).find((one) => one.kind === 'port')).toMatchObject({
        generation: 2,
        reached: true,
      })
    }
  })

  it('are refused when they are older, also by an agent that was killed while it carried out the newer one', async () => {
    const fake = createFakeNetwork()
    const dir = folder()
    const keeper = keeperOf(fake, dir)
    await keeper.apply(op, [of.network(network()), of.port(port(1, '10.0.0.11', ssh))])
    fake.ensurePort = () => new Promise(() => undefined)
    void keeper.apply(op, [of.port(port(1, '10.0.0.11'), 2)])
    await expect
      .poll(() => fs.readFileSync(path.join(dir, 'port/port-1.json'), 'utf8'))
      .toContain('"generation":2')
    const network2 = createFakeNetwork({ state: fake.state })
    const next = keeperOf(network2, dir)
    expect(await next.apply(op, [of.port(port(1, '10.0.0.11', ssh))])).toMatchObject([
      { outcome: 'older', known: 2 },
    ])
    expect(outcomes(await next.apply(op, [of.port(port(1, '10.0.0.11'), 2)]))).toEqual(['reached'])
    expect(fake.state.ports.get('port-1')?.rules).toEqual([])
  })

  it('are carried out again when their record is half written or damaged', async () => {
    const fake = createFakeNetwork()
    const dir = folder()
    await keeperOf(fake, dir).apply(op, [of.network(network(), 7)])
    fs.writeFileSync(path.join(dir, 'network/net.json'), '{"kind":"netw')
    fs.writeFileSync(path.join(dir, 'network/net.json.tmp'), '{"kind":"netw')
    const next = keeperOf(fake, dir)
    expect(await next.list(op, 'network')).toEqual([])
    expect(fs.readdirSync(path.join(dir, 'network'))).toEqual([])
    expect(outcomes(await next.apply(op, [of.network(network(), 7)]))).toEqual(['reached'])
  })
})
