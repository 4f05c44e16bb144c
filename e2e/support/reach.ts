import fs from 'node:fs'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import type { Cloud } from './cloud.ts'

type Target = { address: string; port: number }

/**
 * The targets that a guest could try on the machine: each address of the machine (also loopback and both ends of our
 * uplink) with the ports of the front door, our own processes and the database, other machines' link-local services,
 * and `own`, a port that surely listens on all addresses.
 */
function targets(cloud: Cloud, own: number): Target[] {
  const read = (file: string) => fs.readFileSync(path.join(cloud.data, file), 'utf8')
  const inner = Object.values(JSON.parse(read('run/ports.json')) as Record<string, number>)
  const database = fs.existsSync(path.join(cloud.data, 'postgres/port'))
    ? [Number(read('postgres/port'))]
    : []
  const ports = [own, Number(new URL(cloud.url).port), ...inner, ...database]
  const machine = Object.values(os.networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ family }) => family === 'IPv4')
    .map(({ address }) => address)
  const found = [...new Set([...machine, '127.0.0.1', '169.254.240.1'])].flatMap((address) =>
    ports.map((port) => ({ address, port })),
  )
  return [...found, ...['169.254.169.253', '169.254.1.1'].map((address) => ({ address, port: 80 }))]
}

/** Prints `reached ADDRESS PORT` for each target that answers; busybox's nc ends with 0 when the other side accepted and closed. */
const probe = `p() { f=/tmp/p.$1.$2; printf 'GET / HTTP/1.0\\r\\n\\r\\n' | timeout $T nc $1 $2 >$f 2>/dev/null && r=0 || r=1
if [ $r = 0 ] || [ -s $f ]; then echo "reached $1 $2"; fi; rm -f $f; }
g() { if ping -c 1 -W $T $1 >/dev/null 2>&1; then echo "reached $1 ping"; fi; }`

/**
 * The script that runs as root in a guest. It routes all targets to the gateway, also addresses that are normally never
 * routed, and tries all of them at once. Before that, it tries the metadata service and the gateway in the same way, to
 * prove that a target that answers would be noticed.
 */
function script(tries: readonly Target[], gateway: string): string {
  const addresses = [...new Set(tries.map(({ address }) => address))]
  return [
    probe,
    'echo 1 > /proc/sys/net/ipv4/conf/all/route_localnet',
    'ip address flush dev lo',
    ...addresses.map((address) => `ip route replace ${address}/32 via ${gateway}`),
    'T=30',
    'p 169.254.169.254 80',
    `g ${gateway}`,
    'T=4',
    ...tries.map(({ address, port }) => `p ${address} ${port} &`),
    ...addresses.map((address) => `g ${address} &`),
    'wait',
    'ip address add 127.0.0.1/8 dev lo',
    ...addresses.map((address) => `ip route delete ${address}/32 via ${gateway}`),
  ].join('\n')
}

/**
 * Tries from inside a guest to reach the machine. Throws with the reached targets, or when even the gateway or the
 * metadata service is silent. `inGuest` runs a script there as root and returns its output.
 */
export async function tryToReachTheMachine(
  cloud: Cloud,
  gateway: string,
  inGuest: (script: string) => Promise<string>,
): Promise<void> {
  const callers: (string | undefined)[] = []
  const server = net.createServer((socket) => {
    callers.push(socket.remoteAddress)
    socket.on('error', () => undefined).end('reached\n')
  })
  await new Promise<void>((resolve) => server.listen(0, '0.0.0.0', resolve))
  try {
    const { port } = server.address() as net.AddressInfo
    const out = await inGuest(script(targets(cloud, port), gateway))
    const reached = out.split('\n').filter((line) => line.startsWith('reached '))
    const expected = ['reached 169.254.169.254 80', `reached ${gateway} ping`]
    const silent = expected.filter((line) => !reached.includes(line))
    if (silent.length > 0) throw new Error(`not even ${silent.join(', ')}: ${out.slice(-500)}`)
    const more = reached.filter((line) => !expected.includes(line))
    if (more.length > 0) throw new Error(`the guest ${more.join(', ')}`)
    if (callers.length > 0) throw new Error(`the machine was called from ${callers.join(', ')}`)
  } finally {
    server.close()
  }
}
