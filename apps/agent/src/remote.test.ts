import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { DriverError } from '@stratolith/drivers/errors'
import type { HostDrivers } from '@stratolith/drivers/host'
import { hypervisorConformance } from '@stratolith/drivers/hypervisor/conformance'
import type { HypervisorHarness } from '@stratolith/drivers/hypervisor/conformance-world'
import { createFakeHypervisor } from '@stratolith/drivers/hypervisor/fake'
import type { LocalHypervisorDriver } from '@stratolith/drivers/hypervisor/interface'
import { connectAgent } from '@stratolith/drivers/remote'
import { pino } from 'pino'
import { agentServer, listenOn } from './serve.ts'

/**
 * The drivers' own suites, spoken through a real socket to an agent in this process. What is local
 * to an agent (specOf, findPort, …) is asked of the fake directly.
 */
const log = pino({ level: 'silent' })

/** An agent for `drivers` and a client for it whose event stream is open. */
async function agentFor(drivers: object) {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'remote-'))
  const socketPath = path.join(dir, 'agent.sock')
  const server = agentServer({
    drivers: drivers as HostDrivers,
    log,
    health: () => ({}),
    mayChange: () => undefined,
  })
  await listenOn(server, { socketPath })
  const remote = connectAgent(`unix:${socketPath}`)
  return {
    remote,
    async close() {
      remote.close()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      fs.rmSync(dir, { recursive: true })
    },
  }
}

/**
 * Events travel on a connection of their own and come a moment after the call's answer; the suite
 * looks at once. So each call here waits for a moment when it is through.
 */
function settling<T extends object>(driver: T): T {
  return new Proxy(driver, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name)
      if (typeof member !== 'function' || name === 'subscribe') return member
      return async (...args: unknown[]) => {
        try {
          return await member.apply(target, args)
        } finally {
          await sleep(15)
        }
      }
    },
  })
}

hypervisorConformance('fake behind an agent', async (): Promise<HypervisorHarness> => {
  let fake = createFakeHypervisor()
  let agent = await open()
  async function open() {
    const opened = await agentFor({ hypervisor: fake, network: {}, storage: {} })
    const local: LocalHypervisorDriver = Object.assign(Object.create(opened.remote.hypervisor), {
      specOf: (id: string) => fake.specOf(id),
      plug: fake.plug,
      withGuest: fake.withGuest,
    })
    opened.remote.hypervisor.subscribe(() => undefined)
    await sleep(30) // until its stream is open
    return { ...opened, driver: settling(local) }
  }
  return {
    get driver() {
      return agent.driver
    },
    prepare: async () => ({ disks: [], nics: [] }),
    spoil: async () => fake.failNext('ensure', new DriverError('failed', 'spoiled')),
    booted: async () => undefined,
    crash: async (id) => fake.crash(id),
    powerOff: async (id) => fake.guestPowerOff(id),
    ignoreButton: async (id) => fake.ignorePowerButton(id),
    abandon: () => agent.close(),
    async reopen() {
      fake = createFakeHypervisor({ state: structuredClone(fake.state) })
      agent = await open()
      return agent.driver
    },
    leftovers: async (id) => Object.keys(fake.state.instances).filter((known) => known === id),
    destroy: () => agent.close(),
  }
})
