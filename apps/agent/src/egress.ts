import fs from 'node:fs'
import type { AgentConfig } from './config.ts'

/** Resolves `auto`: on when the machine itself has a default route. */
export function egressOf(wanted: AgentConfig['egress'], routes = '/proc/net/route'): 'on' | 'off' {
  if (wanted !== 'auto') return wanted
  return hasDefaultRoute(fs.readFileSync(routes, 'utf8')) ? 'on' : 'off'
}

/** /proc/net/route: hexadecimal destination and mask in columns 2 and 8, flag 1: the route is up. */
function hasDefaultRoute(table: string): boolean {
  return table
    .split('\n')
    .slice(1)
    .map((line) => line.split('\t'))
    .some(
      ([, to, , flags, , , , mask]) =>
        to === '00000000' && mask === '00000000' && (Number(`0x${flags}`) & 1) === 1,
    )
}
