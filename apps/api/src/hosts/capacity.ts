import type { KeptReport } from '@stratolith/drivers/host'
import type { HostFacts } from '@stratolith/drivers/hypervisor/interface'

/** The size of a machine: vCPUs, MiB of memory, GiB of disk, GiB of disk that are free now, and those that the cloud has written. */
export type Physical = {
  vcpus: number
  memoryMib: number
  diskGib: number
  diskFreeGib: number
  diskWrittenGib?: number | undefined
}
/** How much of a machine may be given out. These are columns of the host, with defaults in prisma/schema/hosts.prisma. */
export type Overcommit = {
  cpuRatio: number
  memoryRatio: number
  memoryReserveMib: number
  diskRatio: number
}
export type Capacity = { vcpus: number; memoryMib: number; diskGib: number }
/** The room that one instance takes. */
export type Need = { vcpus: number; memoryMib: number; diskGib: number }

/** How often the same GiB of a disk is promised. */
const timesPromised = 4

/** The part of a host's report that is kept; the disk is the one for instances. */
export type Facts = HostFacts & Physical & { egress: 'on' | 'off' }
export const factsIn = ({ machine, disk, capabilities }: KeptReport): Facts => ({
  ...machine,
  egress: capabilities.network.egress,
  diskGib: disk.totalGib,
  diskFreeGib: disk.freeGib,
  diskWrittenGib: disk.writtenGib,
})

/**
 * The capacity of a machine. By default four vCPUs share a processor; memory is not shared, and 1 GiB (at most half of a
 * small machine's memory) is left for the machine itself. The disk counts as its free space plus the space that the cloud's
 * own disks and volumes take, so that space which others have filled is not promised. Disks and volumes take room only as
 * they are filled, and most never are: each GiB is promised `timesPromised` times, but never more than the disk has. An
 * agent of before does not say what they take; then what they may take counts.
 */
export function capacityOf(physical: Physical, claimed: { diskGib: number }, over: Overcommit): Capacity {
  const reserve = Math.min(over.memoryReserveMib, physical.memoryMib / 2)
  const { diskWrittenGib: written, diskFreeGib: freeGib } = physical
  const room = written === undefined ? freeGib + claimed.diskGib : (freeGib + written) * timesPromised
  const disk = Math.min(physical.diskGib, room)
  return {
    vcpus: Math.floor(physical.vcpus * over.cpuRatio),
    memoryMib: Math.floor((physical.memoryMib - reserve) * over.memoryRatio),
    diskGib: Math.floor(disk * over.diskRatio),
  }
}
