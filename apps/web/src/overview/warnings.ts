import type { HostsSummary } from '@stratolith/api/hosts/contract'
import type { SystemView } from '@stratolith/api/system/contract'
import { bytes } from '../kit/format.ts'
import { paths } from '../kit/paths.ts'

/** Something that an administrator must look at, and the page for it. */
export type CloudWarning = { text: string; href: string; severe: boolean }

/** Below the first share of free space a disk is getting scarce, and below the second it is nearly full. */
const scarce = 0.15
const fullSoon = 0.05
/**
 * So many jobs may wait for a moment when somebody launches many instances; when they wait longer, the workers do not
 * keep up.
 */
const manyJobs = 100

/** Returns the warnings, severe ones first; what is not known yet causes no warning. */
export function warningsOf(hosts: HostsSummary | undefined, info: SystemView | undefined): CloudWarning[] {
  const warnings = [...(hosts ? hostWarnings(hosts) : []), ...(info ? systemWarnings(info) : [])]
  return warnings.toSorted((one, other) => Number(other.severe) - Number(one.severe))
}

function hostWarnings({
  up,
  suspect,
  down,
  fenced,
  vcpus,
  memoryMib,
  diskGib,
}: HostsSummary): CloudWarning[] {
  const at = { href: paths.adminHosts }
  const rooms = [
    { name: 'vCPUs', ...vcpus },
    { name: 'memory', ...memoryMib },
    { name: 'disk', ...diskGib },
  ]
  const full = rooms.filter(({ used, total }) => total > 0 && used / total >= 0.9).map(({ name }) => name)
  return [
    ...(up === 0 ? [{ ...at, severe: true, text: 'No host is up: nothing can be launched.' }] : []),
    ...(down > 0
      ? [{ ...at, severe: true, text: `${hostCount(down)} not answer. Instances there may be off.` }]
      : []),
    ...(suspect > 0
      ? [{ ...at, severe: false, text: `${hostCount(suspect)} not answer just now and may come back.` }]
      : []),
    ...(fenced > 0
      ? [
          {
            ...at,
            severe: false,
            text: `${fenced} ${fenced === 1 ? 'host is' : 'hosts are'} declared fenced.`,
          },
        ]
      : []),
    ...(full.length > 0
      ? [{ ...at, severe: false, text: `Hosts have little left to give out: ${full.join(', ')}.` }]
      : []),
  ]
}

const hostCount = (n: number): string => (n === 1 ? '1 host does' : `${n} hosts do`)

function systemWarnings({ disk, jobs, heldBack, processes }: SystemView): CloudWarning[] {
  const at = { href: paths.system }
  const free = disk && disk.totalBytes > 0 ? disk.freeBytes / disk.totalBytes : 1
  const dead = processes.filter(({ running }) => !running).map(({ name }) => name)
  return [
    ...(dead.length > 0
      ? [{ ...at, severe: true, text: `Not running on the control plane: ${dead.join(', ')}.` }]
      : []),
    ...(disk && free < scarce
      ? [
          {
            ...at,
            severe: free < fullSoon,
            text: `The disk of the control plane has ${bytes(disk.freeBytes)} left of ${bytes(disk.totalBytes)}.`,
          },
        ]
      : []),
    ...(jobs.failed > 0
      ? [
          {
            ...at,
            severe: true,
            text: `${jobs.failed} ${jobs.failed === 1 ? 'job has' : 'jobs have'} failed for good.`,
          },
        ]
      : []),
    ...(jobs.waiting > manyJobs
      ? [{ ...at, severe: false, text: `${jobs.waiting} jobs wait for a worker.` }]
      : []),
    ...(heldBack
      ? [{ ...at, severe: false, text: 'A transaction in the database delays what pages show.' }]
      : []),
  ]
}
