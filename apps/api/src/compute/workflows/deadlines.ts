/** How long a guest may take to follow the power button before it is switched off. */
export const graceMs = 30_000
/** A guest that is still booting has not heard the button: it is pressed again this often. */
export const pressAgainMs = 5_000
/** How long a guest may take to let go of a device. */
export const releaseMs = 20_000

const minute = 60_000
/**
 * How long an action may take from its first step on, everything included; then it fails and says
 * so. What a silent host costs is bounded elsewhere (kernel/hosts.ts, on-host.ts, another-host.ts): these are for
 * hosts that answer and are slow.
 */
export const deadlineMs = {
  /** The first launch of an image on a host converts it there: minutes for a large one. */
  create: 20 * minute,
  /** Ports, disk, guest: seconds. A host that was busy with the first start after a boot: more. */
  start: 3 * minute,
  /** The grace of the guest, then the end of a process. */
  stop: graceMs + 2 * minute,
  /** Grace and start. */
  reboot: graceMs + 3 * minute,
  /** One command to a process. */
  pause: minute,
  /** Ports and one device. */
  attach: 2 * minute,
  /** The guest's time to let go of it, then the port. */
  detach: releaseMs + 2 * minute,
  /** Guest, ports, disk; a silent host is not waited for. */
  delete: 5 * minute,
} as const
