import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { DriverError } from '../errors.ts'
import type { Op } from '../op.ts'
import type { LocalVolumeDriver, RunningGuest } from '../volumes/interface.ts'
import type { InstanceSpec } from './interface.ts'
import type { VolumeDisk } from './volume-node.ts'

export type VolumeOpener = Pick<LocalVolumeDriver, 'openVolume' | 'closeVolumes' | 'settleMoves'>
type Guest = Pick<InstanceSpec, 'id' | 'volumes'>

/** The volumes of guests, as the host's volume driver opens them. */
export class GuestVolumes {
  readonly #opener: VolumeOpener | undefined

  constructor(opener: VolumeOpener | undefined) {
    this.#opener = opener
  }

  /** Gives that user all volumes of the guest and no others. */
  async openAll(op: Op, guest: Guest, uid: number): Promise<VolumeDisk[]> {
    await this.close(op, guest)
    const opened: VolumeDisk[] = []
    for (const { id } of guest.volumes) opened.push(await this.open(op, guest, id, uid))
    return opened
  }

  /** Gives that user one volume of the guest. */
  async open(op: Op, { id: guestId, volumes }: Guest, id: string, uid: number): Promise<VolumeDisk> {
    const volume = volumes.find((one) => one.id === id)
    if (!this.#opener || !volume) throw new DriverError('unsupported', 'This host has no volumes.')
    const opened = await this.#opener.openVolume(op, volume, { id: guestId, uid })
    const files = 'layers' in opened ? opened.layers : []
    const direct = await Promise.all(files.map(({ path }) => opensDirectly(path)))
    const { readOnly, boot, shared, limits = {} } = volume
    return { id, readOnly, boot, shared, limits, opened, direct: direct.every(Boolean) }
  }

  /** Puts right what a move of a volume that was cut off has left in the guest, which runs. */
  async settle(op: Op, { volumes }: Guest, running: RunningGuest): Promise<void> {
    await this.#opener?.settleMoves(op, volumes, running)
  }

  /** Takes away all volumes that the guest does not have any more. */
  async close(op: Op, { id, volumes }: Guest): Promise<void> {
    await this.#opener?.closeVolumes(op, id, volumes)
  }
}

/** Whether a file can be opened past the page cache. */
export async function opensDirectly(path: string): Promise<boolean> {
  try {
    await (await open(path, constants.O_RDONLY | constants.O_DIRECT)).close()
    return true
  } catch {
    return false // The file system has no O_DIRECT: use the page cache.
  }
}
