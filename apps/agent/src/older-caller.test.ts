import fs from 'node:fs'
import http from 'node:http'
import os from 'node:os'
import path from 'node:path'
import type { HostDrivers } from '@stratolith/drivers/host'
import { createFakeHypervisor } from '@stratolith/drivers/hypervisor/fake'
import { spoken, versionHeader, versionText } from '@stratolith/drivers/remote/versions'
import { pino } from 'pino'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { agentServer, listenOn } from './serve.ts'

const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'older-'))
const socketPath = path.join(dir, 'agent.sock')
const fake = createFakeHypervisor()
const documents = { apply: async () => [], list: async () => [] }
const server = agentServer({
  drivers: { hypervisor: fake, documents, storage: {}, network: {} } as unknown as HostDrivers,
  log: pino({ level: 'silent' }),
  health: () => ({}),
  mayChange: () => undefined,
})
beforeAll(() => listenOn(server, { socketPath }))
afterAll(async () => {
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
  fs.rmSync(dir, { recursive: true })
})

const guestWish = (id: string) => ({
  ...{ id, projectId: 'p', name: 'n', vcpus: 1, memoryMib: 64, power: 'running', disks: [], nics: [] },
  guest: {
    ...{ hostname: 'h', zone: 'nova', launchIndex: 0, metadata: {}, publicKeys: [], userData: null },
    ...{ securityGroups: [], flavorName: 'f', imageId: null },
  },
})

/** Makes a call as a control plane of those versions does. */
async function ask(method: string, told: unknown, versions: string): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<http.IncomingMessage>()
  const headers = { [versionHeader]: versions }
  const options = { socketPath, path: `/v1/call/${method}`, method: 'POST', agent: false, headers }
  const request = http.request(options, resolve)
  request.on('error', reject)
  request.end(JSON.stringify({ op: { id: 'x' }, args: [told] }))
  let body = ''
  for await (const chunk of await promise) body += chunk
  return body
}

test('a control plane that knows no ephemeral and swap disks does not take them away from a guest', async () => {
  const id = crypto.randomUUID()
  const told = { ...guestWish(id), disks: [] }
  expect(await ask('hypervisor/ensure', told, '1-6')).toContain('"result"')
  const known = fake.state.instances[id]
  if (!known) throw new Error('the guest is gone')
  const swap = {
    id: crypto.randomUUID(),
    path: '/x',
    format: 'qcow2' as const,
    boot: false,
    kind: 'swap' as const,
  }
  known.spec = { ...known.spec, disks: [swap] }
  expect(await ask('hypervisor/ensure', told, '1-6')).toContain('has ephemeral or swap disks')
  expect(known.spec.disks).toEqual([swap])
  expect(await ask('hypervisor/ensure', told, versionText(spoken))).toContain('"result"')
})

test('a control plane that knows no volumes does not take them away from a guest', async () => {
  const id = crypto.randomUUID()
  const wish = guestWish(id)
  const document = { kind: 'instance', id, generation: 9, body: {} }
  expect(await ask('hypervisor/ensure', wish, '1-2')).toContain('"result"')
  const known = fake.state.instances[id]
  if (!known) throw new Error('the guest is gone')
  const pool = { driver: 'files' as const, id: 'local' }
  const volumes = [{ id: crypto.randomUUID(), pool, readOnly: false }]
  known.spec = { ...known.spec, volumes }
  for (const [method, told] of [
    ['hypervisor/ensure', wish],
    ['documents/apply', [document]],
  ] as const)
    expect(await ask(method, told, '1-2')).toContain('knows nothing')
  expect(known.spec.volumes).toEqual(volumes)
  // The document of a control plane of this version is refused for what it lacks, and not for its sender.
  expect(await ask('documents/apply', [document], versionText(spoken))).not.toContain('knows nothing')
  // A deletion is carried out, whoever asks for it.
  expect(await ask('documents/apply', [{ ...document, body: null }], '1-2')).not.toContain('knows nothing')
})
