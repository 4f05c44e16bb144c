import { DriverError } from '../../errors.ts'
import type { Op } from '../../op.ts'
import { run } from './exec.ts'
import { endGlobalForwarding } from './forwarding.ts'
import { isOurs, isUplink, machineTable, machineTablePrefix, uplinkName } from './names.ts'
import { namespaceNames, removeNamespace } from './namespace.ts'
import { eraseState } from './state.ts'
import { removeFromMachine } from './uplink.ts'

export type RemoveAllOptions = {
  cloud: string
  /** The host to remove; all hosts of the cloud on this machine when absent. */
  host?: string
  /** The folders that were given to the drivers as `dir`. They are deleted after the machine's settings that they record are restored. */
  dirs?: readonly string[]
  machineNamespace?: string
}

/**
 * Removes everything of a cloud from this machine: processes in its namespaces (also QEMU), the namespaces with their
 * content, our table and links on the machine. For `npm run destroy` and for tests.
 */
export async function removeAllNetworks(op: Op, options: RemoveAllOptions): Promise<void> {
  const { cloud, host, dirs = [], machineNamespace } = options
  if (!/^[a-z0-9]{4,6}$/.test(cloud)) throw new DriverError('invalid', `'${cloud}' is not a cloud id.`)
  const names = namespaceNames().filter((name) => isOurs(name, cloud, host))
  for (const name of names) {
    const { stdout } = await run(op, ['ip', 'netns', 'pids', name])
    for (const pid of stdout.split('\n').map(Number)) if (pid > 1 && pid !== process.pid) kill(pid)
  }
  for (const name of names) await removeNamespace(op, name)
  const place = host === undefined ? null : { cloud, host }
  const isLink = (name: string) =>
    place ? name === uplinkName(place) : isUplink(name) && name.startsWith(`st${cloud}-`)
  const isTable = (name: string) =>
    place ? name === machineTable(place) : name.startsWith(machineTablePrefix(cloud))
  await removeFromMachine(op, machineNamespace, isLink, isTable)
  for (const dir of dirs) {
    await endGlobalForwarding(op, dir, machineNamespace)
    eraseState(dir)
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    // The process has ended by itself meanwhile.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}
