import type { Op } from '../../op.ts'
import { toBytes } from '../ipv4.ts'
import { run } from './exec.ts'

/**
 * Sends gratuitous ARP requests (RFC 5227 §3) for any number of addresses by one process. Node has no packet sockets,
 * and arping takes a second for each address (docs/decisions/0022-own-code-that-stays.md); perl-base is an essential
 * package of Debian. argv: interface, then frames in hex.
 */
const program = `
use strict; use Socket;
my $name = shift;
socket(my $s, 17, SOCK_RAW, 0x0300) or die "socket: $!";
my $request = pack('a16 x24', $name);
ioctl($s, 0x8933, $request) or die "ioctl: $!";
my $index = unpack('x16 i', $request);
for (@ARGV) { send($s, pack('H*', $_), 0, pack('S n i S C C a8', 17, 0x0806, $index, 1, 0, 6, "\\xff" x 6)) or die "send: $!"; }
`

/** The frame that says "address is at mac" to everybody on the link. */
export function gratuitousArp(mac: string, address: string): string {
  const hardware = mac.replaceAll(':', '')
  const protocol = toBytes(address).toString('hex')
  return `ffffffffffff${hardware}0806${'0001080006040001'}${hardware}${protocol}${'000000000000'}${protocol}`
}

/** Announces addresses as well as possible: a neighbour that misses the announcement asks again when its ARP entry goes stale. */
export async function announce(
  op: Op,
  namespace: string,
  device: string,
  mac: string,
  addresses: readonly string[],
): Promise<void> {
  if (addresses.length === 0) return
  try {
    const frames = addresses.map((address) => gratuitousArp(mac, address))
    await run(op, ['perl', '-e', program, device, ...frames], { namespace })
  } catch (error) {
    op.log.warn({ err: error, namespace, addresses }, 'addresses could not be announced by gratuitous ARP')
  }
}
