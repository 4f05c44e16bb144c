import type { GuestDiagnostics } from '@stratolith/drivers/hypervisor/interface'
import { driversOf, machineFacts } from '../../hosts/service.ts'
import type { Ctx } from '../../kernel/context.ts'
import { conflict } from '../../kernel/errors.ts'
import { plainOp } from '../../kernel/hosts.ts'
import { interfacesOf } from '../../networking/service.ts'
import { vmWords } from '../states.ts'
import { type InstanceRow, loadInstance } from './instance-row.ts'

export type Diagnostics = GuestDiagnostics & {
  row: InstanceRow
  hypervisor: string
  accelerator: string
  macs: string[]
}

/** Returns the counters of a running guest, as its host reports them. For administrators. */
export async function diagnosticsOf(ctx: Ctx, input: { id: string }): Promise<Diagnostics> {
  const row = await loadInstance(ctx, 'compute:get_diagnostics', input.id)
  if (row.hostId === null || (row.vmState !== 'active' && row.vmState !== 'paused'))
    throw conflict(`Diagnostics are of a running instance; this one is ${vmWords(row.vmState)}.`)
  const { hypervisor } = await driversOf(ctx, row.hostId)
  const [guest, interfaces, host] = await Promise.all([
    hypervisor.diagnostics(plainOp(ctx), row.id),
    interfacesOf(ctx, row.id),
    machineFacts(ctx, row.hostId),
  ])
  return {
    ...guest,
    row,
    hypervisor: host?.hypervisor ?? '',
    accelerator: host?.accelerator ?? '',
    macs: interfaces.map((one) => one.mac),
  }
}
