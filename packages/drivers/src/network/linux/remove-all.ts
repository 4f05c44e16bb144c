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
  /** Only this host's; all hosts of the cloud on this machine when absent. */
  host?: string
  /** Folders given as `dir` to the drivers: they are deleted, after what they remember of the machine is put back. */
  dirs?: readonly string[]
  machineNamespace?: string
}

/**
 * Leaves nothing of a cloud on this machine: processes in its namespaces (also QEMU), the namespaces with all
 * that is in them, our table and links on the machine. For `npm run destroy` and for tests.
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
    // It has ended by itself in between.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}
