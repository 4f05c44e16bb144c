import { describe, expect, it } from 'vitest'
import { DriverError } from '../errors.ts'
import { createFakeHypervisor } from '../hypervisor/fake.ts'
import { createFakeNetwork } from '../network/fake.ts'
import type { PortSpec } from '../network/interface.ts'
import { createFakeStorage } from '../storage/fake.ts'
import { createFakeVolumes } from '../volumes/fake.ts'
import type { HostDocument, InstanceWish } from './interface.ts'
import { folder, network, of, op, outcomes, port, ssh } from './keeper.testing.ts'
import { createDocuments } from './keeper.ts'

describe('a guest', () => {
  const guestId = '00000000-0000-4000-8000-000000000001'
  const wish = (ports: readonly string[]): InstanceWish => ({
    id: guestId,
    projectId: 'p',
    name: 'guest',
    vcpus: 1,
    memoryMib: 64,
    power: 'running',
    disk: {
      sizeGib: 1,
      mode: 'overlay',
      base: { blobId: 'a'.repeat(64), format: 'qcow2', maxVirtualBytes: 2 ** 30 },
    },
    ports,
    volumes: [],
    guest: {
      hostname: 'guest',
      zone: 'nova',
      launchIndex: 0,
      metadata: {},
      publicKeys: [],
      userData: null,
      securityGroups: [],
      flavorName: 'f',
      imageId: null,
    },
  })
  const guest = (ports: readonly string[] | null, generation = 1): HostDocument => ({
    kind: 'instance',
    id: guestId,
    generation,
    body: ports && wish(ports),
  })
  const its = (tag: number, ip: string, rules?: PortSpec['rules']) => ({
    ...port(tag, ip, rules),
    instanceId: guestId,
  })
  const gone = (id: string, generation = 2): HostDocument => ({ kind: 'port', id, generation, body: null })
  async function running(dir?: string) {
    const host = {
      network: createFakeNetwork(),
      hypervisor: createFakeHypervisor(),
      storage: createFakeStorage(),
    }
    const keeper = createDocuments({ ...host, dir })
    const first = [
      of.network(network()),
      of.port(its(1, '10.0.0.11', ssh)),
      of.port(its(2, '10.0.0.12', ssh)),
    ]
    const receipts = await keeper.apply(op, [...first, guest(['port-1', 'port-2'])])
    expect(outcomes(receipts)).toEqual(['reached', 'reached', 'reached', 'reached'])
    return { ...host, keeper }
  }

  it('that still holds a port which is to go gets no traffic through the port meanwhile', async () => {
    const { network, hypervisor, keeper } = await running()
    hypervisor.keepDevices(guestId, true)
    const leaving = [guest(['port-1'], 2), gone('port-2')]
    const working = { outcome: 'working', for: 'the guest to let go of its interface' }
    expect(await keeper.apply(op, leaving)).toMatchObject([working, working])
    expect(network.state.ports.get('port-2')).toMatchObject({ adminUp: false, rules: [] })
    // An older document does not bring the port back.
    expect(await keeper.apply(op, [of.port(its(2, '10.0.0.12', ssh))])).toMatchObject([
      { outcome: 'older', known: 2 },
    ])
    // The port stays while the guest holds it, also when the delivery has no document of the guest.
    expect(await keeper.apply(op, leaving.slice(1))).toMatchObject([working])
    expect(network.state.ports.has('port-2')).toBe(true)
    hypervisor.keepDevices(guestId, false)
    expect(outcomes(await keeper.apply(op, leaving))).toEqual(['reached', 'reached'])
    expect(network.state.ports.has('port-2')).toBe(false)
  })

  it('whose root disk is a volume has no disk of its own, and starts when its document has the volume', async () => {
    const volumes = createFakeVolumes()
    const host = {
      network: createFakeNetwork(),
      hypervisor: createFakeHypervisor({ volumes }),
      storage: createFakeStorage(),
    }
    const keeper = createDocuments(host)
    const root = {
      id: '00000000-0000-4000-8000-00000000000a',
      pool: { driver: 'files', id: 'local' },
    } as const
    const told = (generation: number, more: Partial<InstanceWish>): HostDocument => ({
      ...{ kind: 'instance', id: guestId, generation },
      body: { ...wish([]), disk: null, rootOnVolume: true, ...more },
    })
    expect(outcomes(await keeper.apply(op, [told(1, { power: null })]))).toEqual(['reached'])
    expect(host.hypervisor.state.instances[guestId]?.power).toBe('off')
    const bound = { volumes: [{ ...root, readOnly: false, boot: true as const }] }
    expect(outcomes(await keeper.apply(op, [told(2, bound)]))).toEqual(['failed'])
    await volumes.ensureVolume(op, { ...root, sizeGib: 1, source: null })
    expect(outcomes(await keeper.apply(op, [told(2, bound)]))).toEqual(['reached'])
    expect(host.hypervisor.state.instances[guestId]).toMatchObject({
      power: 'running',
      spec: { disks: [], volumes: [{ id: root.id, boot: true }] },
    })
    expect(await host.storage.listDisks(op)).toEqual([])
  })

  it('gets its ephemeral and swap disks with its root disk, keeps them, and loses them when it is removed', async () => {
    const { storage, hypervisor, keeper } = await running()
    const [eph, swap] = [
      '00000000-0000-4000-8000-00000000000b',
      '00000000-0000-4000-8000-00000000000c',
    ] as const
    const told = (generation: number, isNew: boolean): HostDocument => ({
      ...{ kind: 'instance', id: guestId, generation },
      body: {
        ...wish([]),
        ...(isNew ? {} : { disk: null, power: null }),
        localDisks: [
          {
            id: eph,
            kind: 'ephemeral',
            make: isNew ? { sizeMib: 1024, format: 'ext4', label: 'ephemeral0' } : null,
          },
          { id: swap, kind: 'swap', make: isNew ? { sizeMib: 64, format: 'swap', label: 'swap' } : null },
        ],
      },
    })
    const ensure = storage.ensureLocalDisk
    storage.ensureLocalDisk = async () => null
    expect(await keeper.apply(op, [told(2, true)])).toMatchObject([
      { outcome: 'working', for: 'the host to make the ephemeral and swap disks' },
    ])
    storage.ensureLocalDisk = ensure
    expect(outcomes(await keeper.apply(op, [told(2, true)]))).toEqual(['reached'])
    expect(hypervisor.state.instances[guestId]?.spec.disks).toMatchObject([
      { id: guestId, boot: true },
      { id: eph, boot: false, kind: 'ephemeral' },
      { id: swap, boot: false, kind: 'swap' },
    ])
    expect(storage.disks.get(swap)?.sizeBytes).toBe(64 * 1024 ** 2)
    expect(outcomes(await keeper.apply(op, [told(3, false)]))).toEqual(['reached'])
    await storage.removeDisk(op, eph)
    expect(await keeper.apply(op, [told(4, false)])).toMatchObject([
      { outcome: 'failed', message: `The ephemeral disk ${eph} of this instance is gone from its host.` },
    ])
    expect(outcomes(await keeper.apply(op, [guest(null, 5)]))).toEqual(['reached'])
    expect([...storage.disks]).toEqual([])
  })

  it('that an older control plane has built without its ephemeral disk gets the disk at its next start', async () => {
    const { storage, hypervisor, keeper } = await running()
    const id = '00000000-0000-4000-8000-00000000000b'
    const make = { sizeMib: 1024, format: 'ext4', label: 'ephemeral0' } as const
    const told = (generation: number, power: 'running' | null): HostDocument => ({
      ...{ kind: 'instance', id: guestId, generation },
      body: {
        ...{ ...wish([]), disk: null, power },
        localDisks: [{ id, kind: 'ephemeral', make, isBuilt: true }],
      },
    })
    const disks = () => hypervisor.state.instances[guestId]?.spec.disks.map((disk) => disk.id)
    // The guest goes on running as it is.
    expect(outcomes(await keeper.apply(op, [told(2, null)]))).toEqual(['reached'])
    expect(disks()).toEqual([guestId])
    await hypervisor.stop(op, guestId)
    expect(outcomes(await keeper.apply(op, [told(3, 'running')]))).toEqual(['reached'])
    expect(disks()).toEqual([guestId, id])
    // From now on, the disk must exist.
    await storage.removeDisk(op, id)
    expect(await keeper.apply(op, [told(4, null)])).toMatchObject([
      { outcome: 'failed', message: `The ephemeral disk ${id} of this instance is gone from its host.` },
    ])
  })

  it('that still holds a port keeps it also after the agent restarts, and when a delivery has the port alone', async () => {
    for (const isKilled of [false, true]) {
      const dir = folder()
      const { keeper, ...host } = await running(dir)
      host.hypervisor.keepDevices(guestId, true)
      const { plug } = host.hypervisor
      const asked = new Promise<void>((resolve) => {
        host.hypervisor.plug = (...args) => {
          resolve()
          return isKilled ? new Promise(() => undefined) : plug(...args)
        }
      })
      const told = keeper.apply(op, [guest(['port-1'], 2), gone('port-2')])
      await (isKilled ? asked : told)
      const next = createDocuments({ ...host, dir })
      const working = { outcome: 'working', for: 'the guest to let go of its interface' }
      expect(await next.apply(op, [gone('port-2')])).toMatchObject([working])
      expect(host.network.state.ports.get('port-2')).toMatchObject({ adminUp: false, rules: [] })
      host.hypervisor.keepDevices(guestId, false)
      host.hypervisor.plug = plug
      const both = await next.apply(op, [guest(['port-1'], 2), gone('port-2')])
      expect(outcomes(both)).toEqual(['reached', 'reached'])
      expect(host.network.state.ports.has('port-2')).toBe(false)
    }
  })

  it('whose NICs cannot be changed gives the reason also in the receipt of its port', async () => {
    const { network, hypervisor, keeper } = await running()
    hypervisor.failNext('plug', new DriverError('failed', 'QMP: no'))
    const failed = { outcome: 'failed', code: 'failed', message: 'QMP: no' }
    expect(await keeper.apply(op, [guest(['port-1'], 2), gone('port-2')])).toMatchObject([failed, failed])
    expect(network.state.ports.get('port-2')?.adminUp).toBe(false)
  })

  it('that is removed slowly delays no revocation of a rule', async () => {
    const { network, hypervisor, keeper } = await running()
    await keeper.apply(op, [of.port(port(3, '10.0.0.13', ssh)), of.port(port(4, '10.0.0.14'))])
    let go: () => void = () => undefined
    const remove = hypervisor.remove.bind(hypervisor)
    hypervisor.remove = async (...args) => {
      await new Promise<void>((resolve) => {
        go = resolve
      })
      return remove(...args)
    }
    const moved = of.port(port(4, '10.0.0.12'), 2)
    const told = keeper.apply(op, [
      guest(null, 2),
      gone('port-1'),
      gone('port-2'),
      of.port(port(3, '10.0.0.13'), 2),
      moved,
    ])
    await expect.poll(() => network.state.ports.get('port-3')?.rules).toEqual([])
    expect(hypervisor.state.instances[guestId]).toBeDefined()
    go()
    // The address of a removed port can be given to another port.
    expect(outcomes(await told)).toEqual(['reached', 'reached', 'reached', 'reached', 'reached'])
    expect(network.state.ports.get('port-4')).toEqual(moved.body)
  })

  it('that is new gets its disk while its ports are made, and no disk by an older document', async () => {
    const net = of.network(network())
    const [plane, hypervisor, storage] = [createFakeNetwork(), createFakeHypervisor(), createFakeStorage()]
    const keeper = createDocuments({ network: plane, hypervisor, storage })
    const disk = () => storage.findDisk(op, { id: guestId, instanceId: guestId })
    const gate = Promise.withResolvers<void>()
    const ensurePort = plane.ensurePort.bind(plane)
    plane.ensurePort = (...args) => gate.promise.then(() => ensurePort(...args))
    const all = [net, of.port(its(1, '10.0.0.11')), guest(['port-1'])]
    const told = keeper.apply(op, all)
    await expect.poll(disk).not.toBeNull()
    expect(hypervisor.state.instances[guestId]).toBeUndefined()
    gate.resolve()
    expect(outcomes(await told)).toEqual(['reached', 'reached', 'reached'])

    expect(outcomes(await keeper.apply(op, [guest(null, 3)]))).toEqual(['reached'])
    expect(outcomes(await keeper.apply(op, [guest(['port-1'], 2)]))).toEqual(['older'])
    expect(await disk()).toBeNull()
  })

  it('that is new gives the reason in its receipt when its disk cannot be made', async () => {
    const storage = createFakeStorage()
    const keeper = createDocuments({
      network: createFakeNetwork(),
      hypervisor: createFakeHypervisor(),
      storage,
    })
    const ensureDisk = storage.ensureDisk.bind(storage)
    storage.ensureDisk = async () => {
      throw new DriverError('no_space', 'The disk is full.')
    }
    expect(await keeper.apply(op, [guest([])])).toMatchObject([{ outcome: 'failed', code: 'no_space' }])
    storage.ensureDisk = ensureDisk
    expect(outcomes(await keeper.apply(op, [guest([])]))).toEqual(['reached'])
  })

  it('that exists already is checked without listing all disks of the host', async () => {
    const { storage, keeper } = await running()
    storage.failNext('listDisks', new DriverError('failed', 'There are too many.'))
    const again = guest(['port-1', 'port-2'], 2)
    if (again.kind !== 'instance' || !again.body) throw new Error('guest() makes documents of instances')
    const document = { ...again, body: { ...again.body, disk: null } }
    expect(outcomes(await keeper.apply(op, [document]))).toEqual(['reached'])
  })

  it('whose recorded spec is damaged gets its spec again and then loses its NIC', async () => {
    const { hypervisor, keeper } = await running()
    let isDamaged = true
    const { describe, ensure, plug } = hypervisor
    hypervisor.describe = async (...args) => (isDamaged ? null : describe(...args))
    hypervisor.ensure = async (...args) => {
      isDamaged = false
      return ensure(...args)
    }
    hypervisor.plug = async (...args) => {
      if (isDamaged) throw new DriverError('invalid', 'The record is damaged: ensure it again.')
      return plug(...args)
    }
    expect(outcomes(await keeper.apply(op, [guest(['port-1'], 2)]))).toEqual(['reached'])
    const spec = await describe(op, guestId)
    expect(spec?.nics.map((nic) => nic.portId)).toEqual(['port-1'])
  })

  it('keeps no volume of a document that has failed, and is asked for its devices by each document', async () => {
    const volumes = createFakeVolumes()
    const hypervisor = createFakeHypervisor({ volumes })
    const keeper = createDocuments({ network: createFakeNetwork(), hypervisor, storage: createFakeStorage() })
    const key = (id: string) => ({ id, pool: { driver: 'files' as const, id: 'local' }, readOnly: false })
    const [one, missing] = [key(crypto.randomUUID()), key(crypto.randomUUID())]
    await volumes.ensureVolume(op, { ...one, sizeGib: 1, source: null })
    const having = (some: InstanceWish['volumes'], generation: number): HostDocument => ({
      kind: 'instance',
      id: guestId,
      generation,
      body: { ...wish([]), volumes: some },
    })
    expect(outcomes(await keeper.apply(op, [having([], 1)]))).toEqual(['reached'])
    expect(await keeper.apply(op, [having([one, missing], 2)])).toMatchObject([
      { outcome: 'failed', code: 'not_found' },
    ])
    expect([...(volumes.volumes.get(one.id)?.guests ?? [])]).toEqual([guestId])
    const asked = hypervisor.calls.plug ?? 0
    expect(outcomes(await keeper.apply(op, [having([], 3)]))).toEqual(['reached'])
    expect(volumes.volumes.get(one.id)?.guests.size).toBe(0)
    expect(outcomes(await keeper.apply(op, [having([], 4)]))).toEqual(['reached'])
    expect(hypervisor.calls.plug).toBe(asked + 2)
  })
})
