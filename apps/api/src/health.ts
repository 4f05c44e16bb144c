import fs from 'node:fs'
import http from 'node:http'

/** Says that this process is alive: for one that serves no port. Nothing to do without a path. */
export async function serveHealth(socketPath: string | undefined): Promise<void> {
  if (!socketPath) return
  const server = http.createServer((_request, response) => response.end('ok\n'))
  fs.rmSync(socketPath, { force: true })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(socketPath, resolve)
  })
  server.unref()
}
