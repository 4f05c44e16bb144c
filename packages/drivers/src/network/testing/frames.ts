import { toBytes } from '../ipv4.ts'

/** Builders of frames in hex, for tests in which guests forge packets. */
export const hex = (mac: string) => mac.replaceAll(':', '')
const number = (value: number, bytes: number) => value.toString(16).padStart(bytes * 2, '0')
const address = (text: string) => toBytes(text).toString('hex')

export const broadcast = 'ff:ff:ff:ff:ff:ff'

export function ethernet(target: string, source: string, type: number, payload: string): string {
  return `${hex(target)}${hex(source)}${number(type, 2)}${payload.padEnd(92, '0')}`
}

export function arp(operation: 1 | 2, mac: string, sender: string, target: string): string {
  return `000108000604000${operation}${hex(mac)}${address(sender)}000000000000${address(target)}`
}

function checksum(text: string): string {
  let sum = 0
  for (let i = 0; i < text.length; i += 4) sum += Number.parseInt(text.slice(i, i + 4), 16)
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
  return number(~sum & 0xffff, 2)
}

/** An IPv4 packet in hex. `fragment` is the raw flags-and-offset field. */
export function ipv4(
  source: string,
  target: string,
  protocol: number,
  payload: string,
  options: { id?: number; fragment?: number } = {},
): string {
  const { id = 7, fragment = 0 } = options
  const length = number(20 + payload.length / 2, 2)
  const head = `4500${length}${number(id, 2)}${number(fragment, 2)}40${number(protocol, 1)}`
  const ends = `${address(source)}${address(target)}`
  return `${head}${checksum(`${head}0000${ends}`)}${ends}${payload}`
}

export function udp(sourcePort: number, targetPort: number, payload = '6d61726b'): string {
  return `${number(sourcePort, 2)}${number(targetPort, 2)}${number(8 + payload.length / 2, 2)}0000${payload}`
}
