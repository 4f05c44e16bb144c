import type { KeptReport } from '@stratolith/drivers/host'
import type { HostFacts } from '@stratolith/drivers/hypervisor/interface'

/** What a machine has: vCPUs, MiB of memory, GiB of disk in all and free now. */
export type Physical = { vcpus: number; memoryMib: number; diskGib: number; diskFreeGib: number }
/** How much of it may be given out; columns of the host, defaults in prisma/schema/hosts.prisma. */
export type Overcommit = {
  cpuRatio: number
  memoryRatio: number
  memoryReserveMib: number
  diskRatio: number
}
export type Capacity = { vcpus: number; memoryMib: number; diskGib: number }
/** What one instance takes. */
export type Need = { vcpus: number; memoryMib: number; diskGib: number }

/** What is kept of a host's report: the disk is that of its instances. */
export type Facts = HostFacts & Physical & { egress: 'on' | 'off' }
export const factsIn = ({ machine, disk, capabilities }: KeptReport): Facts => ({
  ...machine,
  egress: capabilities.network.egress,
  diskGib: disk.totalGib,
  diskFreeGib: disk.freeGib,
})

/**
 * vCPUs are shared four to one by default, memory is not, and 1 GiB of it (at most half of a small
 * machine) is left for the machine itself. Of the disk counts what is free now plus what instances
 * have claimed already: a disk that others have filled is not promised twice.
 */
export function capacityOf(physical: Physical, claimed: { diskGib: number }, over: Overcommit): Capacity {
  const reserve = Math.min(over.memoryReserveMib, physical.memoryMib / 2)
  const disk = Math.min(physical.diskGib, physical.diskFreeGib + claimed.diskGib)
  return {
    vcpus: Math.floor(physical.vcpus * over.cpuRatio),
    memoryMib: Math.floor((physical.memoryMib - reserve) * over.memoryRatio),
    diskGib: Math.floor(disk * over.diskRatio),
  }
}
