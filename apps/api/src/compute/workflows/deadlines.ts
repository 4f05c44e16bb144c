/** How long a guest may take to follow the power button before it is switched off. */
export const graceMs = 30_000
/** A guest that is still booting has not heard the button: it is pressed again this often. */
export const pressAgainMs = 5_000
/** How long a guest may take to let go of a device. */
export const releaseMs = 20_000

const minute = 60_000
/**
 * How long an action may take from its first step on, everything included; then the action fails and says so. A launch
 * counts from when its volumes are made. The time
 * that a silent host costs is bounded elsewhere (kernel/hosts.ts, on-host.ts, another-host.ts): these deadlines are for
 * hosts that answer and are slow.
 */
export const deadlineMs = {
  /** The first launch of an image on a host converts the image there, which takes minutes for a large image. */
  create: 20 * minute,
  /** Ports, disk and guest take seconds; more on a host that is busy with its first starts after a boot. */
  start: 3 * minute,
  /** The time of the guest to shut down, then the end of a process. */
  stop: graceMs + 2 * minute,
  /** The time of the guest to shut down, then a start. */
  reboot: graceMs + 3 * minute,
  /** One command to the process of the guest. */
  pause: minute,
  /** The time to make ports and one device. */
  attach: 2 * minute,
  /** The time of the guest to release the device, then the port. */
  detach: releaseMs + 2 * minute,
  /** Guest, ports, disk; a silent host is not waited for. */
  delete: 5 * minute,
} as const
