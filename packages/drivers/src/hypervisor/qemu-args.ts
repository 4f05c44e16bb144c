import { bounds } from '../bounds.ts'
import { drivesOf } from './drives.ts'
import type { InstanceSpec } from './interface.ts'
import { limitsObjectOf } from './volume-limits.ts'
import {
  type DiskPlace,
  diskDeviceAt,
  keyObjectOf,
  scsiController,
  type VolumeDisk,
  volumeDeviceOf,
  volumeNodeOf,
} from './volume-node.ts'

/** QEMU's name of the character device behind the channel of the guest agent. */
export const agentChannel = 'agent'
/** Names of QEMU's files, relative to its working directory, so that no socket path is too long. */
export const runFiles = { qmp: 'qmp', vnc: 'vnc', serial: 'serial', agent: 'qga', pid: 'pid' } as const
/** The file descriptor of the serial log, which QEMU inherits. */
export const serialLogFd = 3
/** The file descriptors of the base images follow, each in an fd set of its own. */
export const firstBaseFd = 4
const setOf = (fd: number) => fd - serialLogFd + 1

/** The whole environment of a guest's process: it holds no token and no database address. */
export const jailEnvironment = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' }

/** How many disks and NICs can be plugged in while a guest runs, in addition to those that it started with. */
const spareDisks = 4
const spareNics = 2

export type Accelerator = 'kvm' | 'tcg'
export type ArgsInput = {
  spec: InstanceSpec
  accelerator: Accelerator
  /**
   * For each disk id: whether the file can be opened past the page cache, and for an overlay the inherited
   * descriptor of its base. The guest reads this base, whatever the header of the disk names.
   */
  disks: ReadonlyMap<string, { direct: boolean; baseFd: number | null }>
  /** The volumes of the guest, as the host's volume driver opens them. */
  volumes: readonly VolumeDisk[]
  /** Path of the config drive; null when the guest has none. */
  configDrive: string | null
}

/** Forbids system calls that QEMU never needs once it runs; the kernel kills a QEMU that tries one (SIGSYS). */
export const sandbox = ['-sandbox', 'on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny']

/**
 * QEMU's arguments (without its name) for one guest: q35, everything on explicit PCI slots so that
 * a guest finds its devices where they were, disks and NICs each behind a port of their own so that
 * more can be plugged in. QEMU starts stopped (-S). A guest that powers itself off leaves QEMU in the
 * state "shutdown" (-no-shutdown). A QEMU that has ended without our command has therefore crashed,
 * also when that happened while the agent was down.
 */
export function qemuArgs(input: ArgsInput): string[] {
  const { spec } = input
  const drives = drivesOf(spec)
  const placeAt = ({ id }: { id: string }) => placeOf(spec, drives.indexOf(id))
  return [
    ...['-name', `guest=${spec.id},process=qemu-${spec.id.slice(0, 8)}`],
    ...['-uuid', spec.id],
    ...['-no-user-config', '-nodefaults', '-S', '-no-shutdown'],
    ...sandbox,
    ...machineArgs(input),
    ...['-pidfile', runFiles.pid],
    ...['-chardev', `socket,id=qmp,path=${runFiles.qmp},server=on,wait=off`],
    ...['-mon', 'chardev=qmp,mode=control'],
    ...consoleArgs(),
    ...portArgs(spec),
    ...(spec.diskBus === 'scsi' ? scsiArgs() : []),
    ...spec.disks.flatMap((disk, index) =>
      diskArgs(disk, { index, place: placeAt(disk) }, input.disks.get(disk.id)),
    ),
    ...input.volumes.flatMap((volume) => volumeArgs(volume, placeAt(volume))),
    ...spec.nics.flatMap(nicArgs),
    ...(input.configDrive === null ? [] : configDriveArgs(input.configDrive)),
  ]
}

function machineArgs({ spec, accelerator }: ArgsInput): string[] {
  return [
    ...['-machine', 'q35,vmport=off,usb=off,dump-guest-core=off'],
    // tb-size bounds the cache of translated guest code, which is QEMU's own memory, in MiB.
    ...['-accel', accelerator === 'kvm' ? 'kvm' : 'tcg,thread=multi,tb-size=64'],
    ...['-cpu', accelerator === 'kvm' ? 'host' : 'max'],
    ...['-smp', `cpus=${spec.vcpus},sockets=1,cores=${spec.vcpus},threads=1`],
    ...['-m', `size=${spec.memoryMib}M`],
    ...['-rtc', accelerator === 'kvm' ? 'base=utc,driftfix=slew' : 'base=utc'],
    ...['-boot', 'strict=on'],
    ...[
      '-smbios',
      `type=1,manufacturer=OpenStack Foundation,product=OpenStack Nova,uuid=${spec.id},serial=${spec.id}`,
    ],
    ...device({
      driver: 'virtio-balloon-pci',
      id: 'balloon',
      'deflate-on-oom': true,
      bus: 'pcie.0',
      addr: '0x4',
    }),
    ...['-object', JSON.stringify({ 'qom-type': 'rng-builtin', id: 'entropy' })],
    ...device({ driver: 'virtio-rng-pci', id: 'rng', rng: 'entropy', bus: 'pcie.0', addr: '0x5' }),
  ]
}

function consoleArgs(): string[] {
  return [
    ...['-display', 'none'],
    ...['-vnc', `unix:${runFiles.vnc},share=force-shared`],
    ...device({ driver: 'virtio-vga', id: 'video', bus: 'pcie.0', addr: '0x1' }),
    ...device({ driver: 'qemu-xhci', id: 'usb', bus: 'pcie.0', addr: '0x2' }),
    // No USB keyboard: QEMU would send every key to it, also while the guest has no driver for it
    // (boot loader, rescue shell, small images). The PS/2 one of the machine works everywhere.
    ...device({ driver: 'usb-tablet', id: 'tablet', bus: 'usb.0' }),
    ...['-add-fd', `fd=${serialLogFd},set=${setOf(serialLogFd)}`],
    ...[
      '-chardev',
      `socket,id=serial,path=${runFiles.serial},server=on,wait=off,logfile=/dev/fdset/${setOf(serialLogFd)},logappend=on`,
    ],
    ...device({ driver: 'isa-serial', id: 'serial0', chardev: 'serial' }),
    ...device({ driver: 'virtio-serial-pci', id: 'channels', bus: 'pcie.0', addr: '0x3' }),
    ...['-chardev', `socket,id=${agentChannel},path=${runFiles.agent},server=on,wait=off`],
    ...device({
      driver: 'virtserialport',
      chardev: agentChannel,
      name: 'org.qemu.guest_agent.0',
      bus: 'channels.0',
    }),
  ]
}

/**
 * Hot-pluggable PCIe ports: d0… for disks and n0… for NICs. A port has the same place and the same number in every
 * version of Stratolith, because guests name their devices by them (the NIC on n0 is "ens9" for systemd). Only a few
 * spare ports are made, because each costs boot time under TCG. Without io-reserve=0 the ports would exhaust the I/O space.
 * Disks on the SCSI controller need no ports.
 */
function portArgs({ disks, volumes, nics, diskBus }: InstanceSpec): string[] {
  const drives = diskBus === 'scsi' ? 0 : disks.length + volumes.length + spareDisks
  const port = (name: string, slot: number, index: number, chassis: number) =>
    device({
      driver: 'pcie-root-port',
      id: name,
      bus: 'pcie.0',
      chassis,
      slot: chassis,
      addr: `0x${slot.toString(16)}.0x${index % 8}`,
      multifunction: index % 8 === 0,
      'io-reserve': 0,
    })
  const many = (count: number, most: number, make: (index: number) => string[]) =>
    Array.from({ length: Math.min(count, most) }, (_, index) => make(index)).flat()
  return [
    ...many(drives, bounds.disksOfGuest, (index) =>
      index < 8
        ? port(`d${index}`, 0x10, index, 1 + index)
        : port(`d${index}`, 0x11 + Math.floor(index / 8), index, 32 + index),
    ),
    ...many(nics.length + spareNics, bounds.nicsOfGuest, (index) =>
      port(`n${index}`, 0x11, index, 9 + index),
    ),
  ]
}

const placeOf = ({ diskBus }: Pick<InstanceSpec, 'diskBus'>, index: number): DiskPlace =>
  diskBus === 'scsi' ? index : `d${index}`

/** The controller of the disks and volumes. That of the config drive is another one, whose place never changes. */
const scsiArgs = (): string[] =>
  device({ driver: 'virtio-scsi-pci', id: scsiController, bus: 'pcie.0', addr: '0x7' })

function volumeArgs(volume: VolumeDisk, place: DiskPlace): string[] {
  const key = keyObjectOf(volume)
  return [
    ...(key ? ['-object', JSON.stringify(key)] : []),
    ...['-object', JSON.stringify(limitsObjectOf(volume))],
    ...['-blockdev', JSON.stringify(volumeNodeOf(volume))],
    ...device(volumeDeviceOf(volume, place)),
  ]
}

function diskArgs(
  disk: InstanceSpec['disks'][number],
  { index, place }: { index: number; place: DiskPlace },
  { direct, baseFd } = { direct: false, baseFd: null as number | null },
): string[] {
  const cache = { direct, 'no-flush': false }
  const base = baseFd === null ? null : `disk${index}-base`
  const file = {
    driver: 'file',
    'node-name': `disk${index}-file`,
    filename: disk.path,
    discard: 'unmap',
    cache,
  }
  const format = {
    driver: disk.format,
    'node-name': `disk${index}`,
    file: file['node-name'],
    discard: 'unmap',
    cache,
    ...(disk.format === 'qcow2' ? { backing: base } : {}),
  }
  return [
    ...(base === null || baseFd === null ? [] : baseArgs(base, baseFd, cache)),
    ...['-blockdev', JSON.stringify(file)],
    ...['-blockdev', JSON.stringify(format)],
    ...device({
      ...diskDeviceAt(place, disk.id),
      id: `blk${index}`,
      drive: `disk${index}`,
      ...(disk.boot ? { bootindex: index + 1 } : {}),
    }),
  ]
}

function baseArgs(name: string, fd: number, cache: { direct: boolean; 'no-flush': boolean }): string[] {
  const filename = `/dev/fdset/${setOf(fd)}`
  const common = { 'read-only': true, cache }
  const file = { driver: 'file', 'node-name': `${name}-file`, filename, ...common }
  const raw = { driver: 'raw', 'node-name': name, file: file['node-name'], ...common }
  return [
    ...['-add-fd', `fd=${fd},set=${setOf(fd)}`],
    ...['-blockdev', JSON.stringify(file)],
    ...['-blockdev', JSON.stringify(raw)],
  ]
}

/**
 * The config drive is a CD-ROM, which guests find by its label. It is on virtio-scsi, because kernels that are
 * made for clouds have no driver for the machine's own SATA controller (Debian's linux-image-cloud:
 * CONFIG_SATA_AHCI not set), and every guest that boots here has virtio.
 */
function configDriveArgs(path: string): string[] {
  const file = { driver: 'file', 'node-name': 'config-file', filename: path, 'read-only': true }
  const raw = { driver: 'raw', 'node-name': 'config', file: 'config-file', 'read-only': true }
  return [
    ...['-blockdev', JSON.stringify(file)],
    ...['-blockdev', JSON.stringify(raw)],
    ...device({ driver: 'virtio-scsi-pci', id: 'scsi', bus: 'pcie.0', addr: '0x6' }),
    ...device({ driver: 'scsi-cd', id: 'config', drive: 'config', bus: 'scsi.0' }),
  ]
}

type Nic = InstanceSpec['nics'][number]
/** QEMU's names of a NIC's two halves, made from its port id, so that they do not depend on other NICs. */
export const nicIds = ({ portId }: Pick<Nic, 'portId'>) => ({
  device: `nic-${portId}`,
  netdev: `net-${portId}`,
})

export const netdevOf = (nic: Nic) => ({
  type: 'tap',
  id: nicIds(nic).netdev,
  ifname: nic.tap,
  script: 'no',
  downscript: 'no',
})
export const nicDeviceOf = (nic: Nic, bus: string) => ({
  driver: 'virtio-net-pci',
  id: nicIds(nic).device,
  netdev: nicIds(nic).netdev,
  mac: nic.mac,
  host_mtu: nic.mtu,
  // No boot ROM: guests do not boot from the network.
  romfile: '',
  bus,
})

function nicArgs(nic: Nic, index: number): string[] {
  return ['-netdev', JSON.stringify(netdevOf(nic)), ...device(nicDeviceOf(nic, `n${index}`))]
}

const device = (properties: Record<string, string | number | boolean>): string[] => [
  '-device',
  JSON.stringify(properties),
]
