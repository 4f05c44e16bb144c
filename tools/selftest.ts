/**
 * npm run selftest: tests the running cloud with one guest from launch to deletion. It prints each step in green or red
 * with its time, and in the end "N passed, N failed". It reaches the guest from inside our own network namespace, so
 * no packet leaves the machine.
 */
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { WebSocket } from 'ws'
import {
  type Api,
  dataPlaneNamespace,
  findCloud,
  GiveUp,
  inNamespace,
  signedIn,
  sshArgs,
  until,
} from '../e2e/support/cloud.ts'
import { tryToReachTheMachine } from '../e2e/support/reach.ts'
import { steps } from '../e2e/support/steps.ts'

const cloud = findCloud()
const run = crypto.randomUUID().slice(0, 8)
const work = fs.mkdtempSync(path.join(os.tmpdir(), 'stratolith-selftest-'))
const keyFile = path.join(work, 'key')
const bootMs = 600_000
let api: Api
let namespace = ''
let instanceId = ''
let address = ''
let networkId = ''
const { step, end } = steps()

await step('sign in', async () => {
  api = (await signedIn(cloud, 'demo')).api
  namespace = await dataPlaneNamespace(cloud)
})
await step('network with a way out, key pair', async () => {
  const networks = await api.networking.networks.list.query({})
  if (!networks.items.some((n) => !n.external && n.router)) await api.networking.networks.starter.mutate({})
  const pair = await api.compute.keyPairs.create.mutate({ name: `selftest-${run}` })
  fs.writeFileSync(keyFile, pair.privateKey ?? '', { mode: 0o600 })
})
await step('launch until ACTIVE', async () => {
  const images = await api.images.list.query({ search: 'Tiny test image' })
  const image = images.items.find((i) => i.state === 'active')
  if (!image) throw new Error('the test image is not there')
  const flavors = await api.compute.flavors.list.query({})
  const flavor = flavors.items.find((f) => f.name === 'm1.nano') ?? flavors.items[0]
  const networks = await api.networking.networks.list.query({})
  const network = networks.items.find((n) => !n.external && n.router)
  networkId = network?.id ?? ''
  const { instances } = await api.compute.instances.launch.mutate({
    name: `selftest-${run}`,
    imageId: image.id,
    flavorId: flavor?.id ?? '',
    networkIds: network ? [network.id] : [],
    openPresets: ['ssh', 'ping'],
    keyName: `selftest-${run}`,
    publicIp: true,
    metadata: { selftest: run },
    userData: Buffer.from(`#!/bin/sh\necho selftest-user-data-${run} > /dev/console\n`).toString('base64'),
  })
  instanceId = instances[0]?.id ?? ''
  await waitStatus('ACTIVE', 300_000)
  const instance = await api.compute.instances.get.query({ id: instanceId })
  address = instance.addresses.find((a) => a.floatingIp)?.floatingIp ?? ''
  if (!address) throw new Error('it has no floating IP')
})
await step('console log shows a login prompt', () => logShows(/login:/))
await step('DHCP gave the address that the cloud chose', async () => {
  const instance = await api.compute.instances.get.query({ id: instanceId })
  await logShows(new RegExp(`eth0: ${instance.addresses[0]?.address.replaceAll('.', '\\.')}/`))
})
await step('metadata: user data ran', () => logShows(new RegExp(`selftest-user-data-${run}`)))
await step('ping the floating IP', () =>
  until('ping', 180_000, async () => inNamespace(namespace, ['ping', '-c', '1', '-W', '2', address])),
)
await step('SSH by the floating IP', async () => {
  const out = await until('ssh', 300_000, () =>
    inNamespace(namespace, sshArgs(keyFile, 'tiny', address, 'hostname'), 60_000),
  )
  if (!out.includes(`selftest-${run}`)) throw new Error(`the guest calls itself ${out.trim()}`)
})
await step('its user may ping, and its DHCP client is where its pid file says', async () => {
  const script =
    'ping -c 1 -W 2 127.0.0.1 && [ -d /proc/$(cat /run/udhcpc.eth0.pid) ] && echo as-it-should-be'
  const out = await inNamespace(namespace, sshArgs(keyFile, 'tiny', address, script), 60_000)
  if (!out.includes('as-it-should-be')) throw new Error(`the guest says ${out.trim()}`)
})
await step('the guest reaches nothing of the machine, whatever its routes', async () => {
  const [subnet] = (await api.networking.networks.list.query({})).items
    .filter((network) => network.id === networkId)
    .flatMap((network) => network.subnets)
  await tryToReachTheMachine(cloud, subnet?.gatewayIp ?? '', (script) =>
    inNamespace(namespace, sshArgs(keyFile, 'root', address, script), 120_000),
  )
})
await step('serial console answers', () => consoleSays('serial', '\n', /login:|Password:|\$ /))
await step('VNC console greets', () => consoleSays('vnc', null, /^RFB 003\.008/))
await step('stop', async () => {
  await api.compute.instances.stop.mutate({ id: instanceId })
  await waitStatus('SHUTOFF', 180_000)
})
await step('start again', async () => {
  await api.compute.instances.start.mutate({ id: instanceId })
  await waitStatus('ACTIVE', 180_000)
})
await step('delete, and nothing of it is left', cleanUp)

fs.rmSync(work, { recursive: true, force: true })
end()

async function cleanUp(): Promise<void> {
  if (instanceId) {
    await api.compute.instances.delete.mutate({ id: instanceId })
    await until('deletion', 180_000, () =>
      api.compute.instances.get.query({ id: instanceId }).then(
        () => false,
        () => true,
      ),
    )
    const left = fs.existsSync(path.join(path.dirname(cloud.agentSocket), 'instances', instanceId))
    if (left) throw new Error('its folder is still on the host')
  }
  const fips = await api.networking.floatingIps.list.query({})
  for (const fip of fips.items.filter((f) => f.address === address))
    await api.networking.floatingIps.delete.mutate({ id: fip.id })
  await api.compute.keyPairs.delete.mutate({ name: `selftest-${run}` })
}

async function waitStatus(status: string, timeoutMs: number): Promise<void> {
  await until(`status ${status}`, timeoutMs, async () => {
    const instance = await api.compute.instances.get.query({ id: instanceId })
    if (instance.status === 'ERROR' && status !== 'ERROR')
      throw new GiveUp(`ERROR: ${instance.fault?.message}`)
    return instance.status === status
  })
}

async function logShows(pattern: RegExp): Promise<void> {
  await until(`${pattern} in the console log`, bootMs, async () =>
    pattern.test((await api.compute.instances.consoleLog.query({ id: instanceId })).text),
  )
}

async function consoleSays(protocol: 'serial' | 'vnc', send: string | null, expected: RegExp): Promise<void> {
  const access = await api.compute.instances.createConsole.mutate({ id: instanceId, protocol })
  const url = new URL(access.url, cloud.url)
  url.protocol = 'ws:'
  const socket = new WebSocket(url, ['binary'], { origin: cloud.url })
  let text = ''
  try {
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`no ${expected} within 60 s; got ${JSON.stringify(text.slice(-200))}`)),
        60_000,
      )
      const nudge =
        send === null
          ? null
          : setInterval(() => socket.readyState === socket.OPEN && socket.send(Buffer.from(send)), 1000)
      socket.on('message', (data: Buffer) => {
        text += data.toString('latin1')
        if (!expected.test(text)) return
        clearTimeout(timer)
        if (nudge) clearInterval(nudge)
        resolve()
      })
      socket.on('error', reject)
      socket.on('close', (code) => reject(new Error(`closed with ${code}`)))
    })
  } finally {
    socket.terminate()
  }
}
