import { spawn } from 'node:child_process'
import net from 'node:net'
import path from 'node:path'

const child = path.join(import.meta.dirname, 'listen.ts')

/**
 * Makes a socket that listens inside a network namespace (a name under /run/netns); this process accepts its
 * connections. Throws with the kernel's reason, for example while the address does not exist yet.
 */
export function socketIn(namespace: string, address: string, port: number): Promise<net.Server> {
  if (!/^[\w.-]{1,200}$/.test(namespace)) throw new Error(`${namespace} is no name of a namespace`)
  return new Promise((resolve, reject) => {
    const helper = spawn(
      'nsenter',
      [`--net=/run/netns/${namespace}`, process.execPath, child, address, String(port)],
      { stdio: ['ignore', 'ignore', 'pipe', 'ipc'], env: { PATH: process.env.PATH }, timeout: 20_000 },
    )
    let words = ''
    helper.stderr?.setEncoding('utf8').on('data', (text: string) => {
      words = (words + text).slice(-2000)
    })
    helper.on('error', reject)
    helper.on('exit', (code, signal) =>
      reject(new Error(`no listener in ${namespace}: ${words.trim() || `ended with ${code ?? signal}`}`)),
    )
    helper.on('message', (message: { failed?: string }, handle) => {
      if (handle instanceof net.Server) resolve(handle)
      else reject(new Error(`no listener in ${namespace}: ${message.failed ?? 'no socket came'}`))
      if (helper.connected) helper.disconnect()
    })
  })
}
