import type { LocalHostDrivers } from '@stratolith/drivers/host'
import { backgroundOp } from '@stratolith/drivers/op'
import type { Logger } from 'pino'

export type Adopted = {
  network: { restored: number; failed: number }
  guests: { running: number; all: number }
}

/**
 * The first work of an agent: restores the recorded network (the machine may have been rebooted) and finds the
 * guests that ran on while the agent was away. Neither touches a guest. A part of the network that cannot be
 * restored is logged and left to the reconciler; the other parts are restored all the same.
 */
export async function adopt(drivers: LocalHostDrivers, log: Logger): Promise<Adopted> {
  const op = backgroundOp(log, 'adopt', 600_000)
  const report = await drivers.network.restore(op)
  for (const failed of report.failed) log.error(failed, 'could not be restored')
  const guests = await drivers.hypervisor.list(op)
  const running = guests.filter((guest) => guest.power === 'running' || guest.power === 'paused')
  const adopted = {
    network: { restored: report.restored, failed: report.failed.length },
    guests: { running: running.length, all: guests.length },
  }
  log.info(adopted, 'adopted what runs on this host')
  return adopted
}
