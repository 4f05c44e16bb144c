import type { LocalHostDrivers } from '@stratolith/drivers/host'
import { backgroundOp } from '@stratolith/drivers/op'
import type { Logger } from 'pino'

export type Adopted = {
  network: { restored: number; failed: number }
  guests: { running: number; all: number }
}

/**
 * What an agent does first: puts the recorded network back (a machine may have been started
 * afresh) and finds the guests that ran on while it was away. Neither touches a guest. A piece
 * that cannot be restored is logged and left to the reconciler; the others go on.
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
