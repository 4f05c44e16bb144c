import fs from 'node:fs'
import path from 'node:path'
import { removeGuestTraces } from '@stratolith/drivers/hypervisor/remove-all'
import { removeAllNetworks } from '@stratolith/drivers/network/remove-all'
import { backgroundOp } from '@stratolith/drivers/op'
import { closeAllServed } from '@stratolith/drivers/volumes/remove-all'
import { pino } from 'pino'
import { readConfig } from './config.ts'
import { takeLock } from './lock.ts'

/**
 * For `npm run destroy`: ends every guest and removes every namespace, link, table and cgroup of this
 * cloud from this machine. The caller removes the data folder itself. Refuses while an
 * agent runs.
 */
const config = readConfig()
const hostsDir = path.join(config.dataDir, 'hosts')
const hosts = fs.readdirSync(hostsDir)
const unlocks = hosts.map((host) => takeLock(path.join(hostsDir, host, 'agent.lock')))
const op = backgroundOp(pino({ level: 'silent' }), 'destroy', 600_000)
await removeAllNetworks(op, {
  cloud: config.cloud,
  dirs: hosts.map((host) => path.join(hostsDir, host, 'network')),
})
await closeAllServed(
  op,
  hosts.map((host) => path.join(hostsDir, host)),
)
await removeGuestTraces(hosts.map((host) => path.join(hostsDir, host)))
for (const unlock of unlocks) unlock()
console.log(`Removed the guests and networks of cloud ${config.cloud} (hosts: ${hosts.join(', ')}).`)
