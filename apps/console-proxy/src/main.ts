import fs from 'node:fs'
import { pino } from 'pino'
import { readProxyConfig } from './config.ts'
import { createProxy } from './server.ts'

const config = readProxyConfig()
const log = pino({ name: 'console-proxy', level: config.logLevel })
const server = createProxy(config, log)
if ('path' in config.listen) fs.rmSync(config.listen.path, { force: true })
server.listen(config.listen, () => {
  // The front door runs as the same user, and no other user may connect.
  if ('path' in config.listen) fs.chmodSync(config.listen.path, 0o600)
  log.info({ listen: config.listen }, 'console-proxy is ready')
})
for (const signal of ['SIGTERM', 'SIGINT'] as const)
  process.once(signal, () => {
    server.close(() => process.exit(0))
    server.closeAllConnections()
    setTimeout(() => process.exit(0), 500).unref()
  })
