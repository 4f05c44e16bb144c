import fs from 'node:fs'
import path from 'node:path'
import { DriverError } from '@stratolith/drivers/errors'
import { type CloudMark, cloudMark } from '@stratolith/drivers/remote/protocol'

/**
 * The cloud that this host follows, and the newest epoch of its database that has called: kept in
 * hosts/<host>/cloud.json, because a control plane on a wrong or an older database would remove much that
 * runs here. The host follows the first cloud that calls.
 */
export class Allegiance {
  readonly #file: string
  #followed: CloudMark | null

  /** Throws when the file exists and does not name a cloud. */
  constructor(hostDir: string) {
    this.#file = path.join(hostDir, 'cloud.json')
    this.#followed = fs.existsSync(this.#file)
      ? cloudMark.parse(JSON.parse(fs.readFileSync(this.#file, 'utf8')))
      : null
  }

  /**
   * Returns when a call from the control plane of `mark` may change something here; a newer epoch of the
   * same cloud is followed from then on. Raises `foreign` otherwise.
   */
  check(mark: CloudMark | undefined): void {
    if (!mark) throw new DriverError('foreign', 'The call does not say for which cloud it is.')
    const ours = this.#followed
    if (ours && mark.id !== ours.id)
      throw new DriverError('foreign', `This host is of cloud ${ours.id}; the call comes from ${mark.id}.`)
    if (ours && (mark.epoch < ours.epoch || (mark.epoch === ours.epoch && mark.token !== ours.token)))
      throw new DriverError(
        'foreign',
        `The call comes from an older copy of the database (epoch ${mark.epoch}); this host has followed epoch ${ours.epoch}.`,
      )
    if (!ours || mark.epoch > ours.epoch) this.#follow(mark)
  }

  #follow(mark: CloudMark): void {
    const draft = `${this.#file}.tmp`
    const file = fs.openSync(draft, 'w', 0o644)
    try {
      fs.writeSync(file, `${JSON.stringify(mark)}\n`)
      fs.fsyncSync(file)
    } finally {
      fs.closeSync(file)
    }
    fs.renameSync(draft, this.#file)
    const folder = fs.openSync(path.dirname(this.#file), 'r')
    try {
      fs.fsyncSync(folder)
    } finally {
      fs.closeSync(folder)
    }
    this.#followed = mark
  }
}
