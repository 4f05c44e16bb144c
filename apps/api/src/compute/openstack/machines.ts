import { findMachines, type Machine } from '../../hosts/service.ts'
import { HttpError } from '../../openstack/errors.ts'
import type { Call } from '../../openstack/operation.ts'
import { uuidPattern } from '../instances/instance-row.ts'

/**
 * Returns the machine of a hypervisor or a service: by its number before 2.53, by its UUID since. `what` is the noun in
 * the error when the machine is not found.
 */
export async function machineOf(
  call: Call,
  ref: string,
  what: string,
  withInstances = false,
): Promise<Machine> {
  const wish =
    call.minor >= 53 ? uuidPattern.test(ref) && { id: ref } : /^\d{1,9}$/.test(ref) && { number: Number(ref) }
  if (!wish) {
    // A caller who may not ask hears this first.
    await findMachines(call.ctx, { limit: 1 })
    if (call.minor >= 53) throw new HttpError(400, `Invalid uuid ${ref.slice(0, 100)}`)
    throw notFound(what, ref)
  }
  const [machine] = await findMachines(call.ctx, { ...wish, withInstances })
  if (!machine) throw notFound(what, ref)
  return machine
}

const notFound = (what: string, ref: string) =>
  new HttpError(404, `${what} with ID '${ref.slice(0, 100)}' could not be found.`)
