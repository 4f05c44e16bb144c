import { execFileSync } from 'node:child_process'
import { expect } from 'vitest'
import { keyObjectOf, volumeNodeOf } from '../hypervisor/volume-node.ts'
import type { VolumeBench } from './conformance.ts'
import type { OpenedVolume } from './interface.ts'

/** Runs qemu-io as the guest's user, on the node that QEMU would get. */
function qemuIo(opened: OpenedVolume, user: number, command: string): string {
  // The layers alone: qemu-io has no object that bounds their speed.
  const volume = { id: crypto.randomUUID(), readOnly: false, limits: {}, opened, direct: false }
  const { file } = volumeNodeOf(volume)
  const key = keyObjectOf(volume)
  const secret = key ? ['--object', `secret,id=${key.id},format=raw,file=${key.file}`] : []
  const { 'node-name': _, ...node } = file as Record<string, unknown>
  return execFileSync(
    'setpriv',
    [
      ...['--reuid', String(user), '--regid', String(user), '--clear-groups'],
      ...['--no-new-privs', '--bounding-set=-all', '--inh-caps=-all'],
      ...['qemu-io', ...secret, '-c', command, `json:${JSON.stringify(node)}`],
    ],
    { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] },
  )
}

/** Reads and writes volumes as the processes of guests do. */
export const qemuBytes: NonNullable<VolumeBench['bytes']> = {
  async are(opened, user, { at, length }, byte) {
    const said = qemuIo(opened, user, `read -P ${byte} ${at} ${length}`)
    expect(said).toContain(`read ${length}/${length} bytes at offset ${at}`)
    return !said.includes('Pattern verification failed')
  },
  async write(opened, user, { at, length }, byte) {
    expect(qemuIo(opened, user, `write -P ${byte} ${at} ${length}`)).toContain(`wrote ${length}/${length}`)
  },
}
