import { execa } from 'execa'
import { DriverError } from '../errors.ts'
import { jailEnvironment } from './qemu-args.ts'

/**
 * Only its owner may attach to a tap, and the network driver makes the tap before the owner is known.
 * iproute2 can set the owner of a new tap only; the kernel lets root change the owner of a tap that is not in
 * use (attach with TUNSETIFF as a persistent tap with IFF_TAP, IFF_NO_PI, IFF_VNET_HDR; TUNSETOWNER). Then
 * the program runs the command after "--", if any. The program is constant: all that varies comes as arguments.
 */
const program = `
my $uid = shift;
while (defined(my $tap = shift)) {
  last if $tap eq '--';
  open(my $tun, '+<', '/dev/net/tun') or die "/dev/net/tun: $!\\n";
  ioctl($tun, 0x400454ca, pack('a16 s x22', $tap, 0x5002)) or die "$tap: $!\\n";
  ioctl($tun, 0x400454cc, int $uid) or die "$tap: $!\\n";
}
if (@ARGV) { exec { $ARGV[0] } @ARGV or die "$ARGV[0]: $!\\n"; }
`

/** The command line that makes that user the owner of these taps and then runs the command that follows. */
export const tapOwnerArgs = (uid: number, taps: readonly string[]): string[] =>
  taps.length === 0 ? [] : ['perl', '-e', program, String(uid), ...taps, '--']

/** Makes that user the owner of these taps, for a guest that runs already. */
export async function giveTaps(netns: string | null, uid: number, taps: readonly string[]): Promise<void> {
  const words = [...(netns === null ? [] : ['nsenter', `--net=/run/netns/${netns}`, '--'])]
  const [file, ...args] = [...words, ...tapOwnerArgs(uid, taps)]
  if (taps.length === 0 || !file) return
  await execa(file, args, { env: jailEnvironment, extendEnv: false, timeout: 10_000 }).catch(
    (cause: unknown) => {
      throw new DriverError('failed', `The taps ${taps.join(', ')} cannot be given to the guest.`, { cause })
    },
  )
}
