import fs from 'node:fs'
import { z } from 'zod'

/** The schema of STRATOLITH_DNS: addresses, separated by commas. */
export const nameServersSetting = z
  .string()
  .transform((text) => text.split(',').map((part) => part.trim()))
  .pipe(z.array(z.ipv4()))

/**
 * The name servers of this machine that other machines can reach, too: systemd-resolved answers on
 * loopback only and lists its upstream servers in a file of its own (resolved.conf(5)).
 */
export function machineNameServers(): string[] {
  for (const file of ['/run/systemd/resolve/resolv.conf', '/etc/resolv.conf']) {
    if (!fs.existsSync(file)) continue
    const found = [...fs.readFileSync(file, 'utf8').matchAll(/^nameserver\s+([\d.]+)\s*$/gm)]
      .map((match) => match[1] ?? '')
      .filter((address) => z.ipv4().safeParse(address).success && !address.startsWith('127.'))
    if (found.length > 0) return found.slice(0, 3)
  }
  return []
}
