import fs from 'node:fs'
import path from 'node:path'
import type { Facts } from './format.ts'
import { heldAs, isSetting } from './holds.ts'

/** The files of a guest's folder, beside its disk, that are backed up. */
const ofGuest = ['spec.json', 'config.iso', 'password', 'serial.log']
/** The folders with records of a host's network; everything else is made from them. */
const ofNetwork = ['networks', 'ports', 'routers', 'sets']

/**
 * The files of the data folder (relative to it) that are backed up beside database, images and disks: settings and keys
 * at the top, secrets, and for each host its networks and the guests of the snapshot.
 */
export function stateOf(dataDir: string, facts: Facts): string[] {
  const instances = new Set(facts.instances.map((instance) => instance.id))
  const top = filesIn(dataDir, '').filter(isSetting)
  const hosts = facts.hosts.flatMap(({ name }) => {
    const host = path.join('hosts', name)
    const guests = entries(path.join(dataDir, host, 'instances')).filter((entry) => instances.has(entry.name))
    return [
      ...ofNetwork.flatMap((kind) => filesIn(dataDir, path.join(host, 'network', kind))),
      ...guests.flatMap((guest) => ofGuest.map((file) => path.join(host, 'instances', guest.name, file))),
    ]
  })
  return [...top, ...filesBelow(dataDir, 'secrets'), ...hosts].filter(
    (name) =>
      fs.lstatSync(path.join(dataDir, name), { throwIfNoEntry: false })?.isFile() &&
      heldAs(`files/${name}`, facts) !== null,
  )
}

const entries = (dir: string): fs.Dirent[] =>
  fs.existsSync(dir) ? fs.readdirSync(dir, { withFileTypes: true }) : []

const filesIn = (dataDir: string, dir: string): string[] =>
  entries(path.join(dataDir, dir))
    .filter((entry) => entry.isFile() && !/\.(tmp|part|lock)$/.test(entry.name))
    .map((entry) => path.join(dir, entry.name))

const filesBelow = (dataDir: string, dir: string): string[] => [
  ...filesIn(dataDir, dir),
  ...entries(path.join(dataDir, dir))
    .filter((entry) => entry.isDirectory())
    .flatMap((entry) => filesBelow(dataDir, path.join(dir, entry.name))),
]
