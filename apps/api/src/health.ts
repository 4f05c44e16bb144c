import fs from 'node:fs'
import http from 'node:http'

/** Answers health checks on a unix socket, for a process that serves no port; does nothing without a path. */
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
