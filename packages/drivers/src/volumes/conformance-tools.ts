import { expect } from 'vitest'
import type { VolumeBench } from './conformance.ts'
import type { OpenedVolume, VolumeKey, VolumeSpec } from './interface.ts'

type GuestBytes = {
  write(at: number, byte: number): Promise<void>
  reads(at: number, byte: number): Promise<void>
}

/** What the tests that every volume driver must pass do again and again. */
export function toolsOf(bench: () => VolumeBench, encryption: VolumeSpec['encryption']) {
  const blank = (sizeGib = 1): VolumeSpec => {
    const { pool } = bench()
    return { id: crypto.randomUUID(), pool, sizeGib, source: null, ...(encryption ? { encryption } : {}) }
  }
  /** What nobody has written is random in an encrypted volume, and tells nothing of what was there before. */
  const isZeroed = encryption === undefined
  /** Asks until the host has done it. */
  async function made<T>(ask: () => Promise<T | null>): Promise<T> {
    for (;;) {
      const answer = await ask()
      if (answer !== null) return answer
    }
  }
  const ensure = (spec: VolumeSpec) => made(() => bench().driver.ensureVolume(bench().op, spec))
  /** Gives the volume what the snapshot contains. */
  const revert = ({ id, pool }: VolumeKey, snapshot: { id: string }) =>
    made(() => bench().driver.revertVolume(bench().op, { id, pool, snapshotId: snapshot.id }))
  /** Lets a guest have the volume, whose key the host gets before. */
  async function opensFor(spec: VolumeSpec, guest: { id: string; uid: number }): Promise<OpenedVolume> {
    const { driver, op } = bench()
    if (encryption) await driver.giveKeys(op, { keys: [{ id: spec.id, key: encryption.key }] })
    return driver.openVolume(op, spec, guest)
  }
  const aGuest = () => ({ id: crypto.randomUUID(), uid: bench().uid })
  const ids = async () => (await bench().driver.listVolumes(bench().op, bench().pool)).map((one) => one.id)

  /** Gives the volume to a guest, lets it work there, and takes the volume back. */
  async function used(spec: VolumeSpec, work: (guest: GuestBytes) => Promise<void>) {
    const { driver, op, bytes } = bench()
    const guest = aGuest()
    const opened = await opensFor(spec, guest)
    await work({
      write: async (at, byte) => bytes?.write(opened, guest.uid, { at, length: 4096 }, byte),
      reads: async (at, byte) => {
        if (bytes && (isZeroed || byte !== 0))
          expect(await bytes.are(opened, guest.uid, { at, length: 4096 }, byte)).toBe(true)
      },
    })
    await driver.closeVolumes(op, guest.id, [])
  }

  return { blank, isZeroed, made, ensure, revert, opensFor, aGuest, ids, used }
}
