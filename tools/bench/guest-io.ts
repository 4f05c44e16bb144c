import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { type Cloud, signedIn, until } from '../../e2e/support/cloud.ts'
import { bareQemu, type Recipe, recipeOf } from './bare-qemu.ts'
import { gone, launchOf, reached } from './launch.ts'
import { median, type Report } from './report.ts'

const mib = 128
const rounds = 3

/** Reads and writes the second disk past the caches of the guest, and says how long that took, by the guest's clock. */
const script = `#!/bin/sh
now() { cut -d' ' -f1 /proc/uptime; }
while [ ! -b /dev/vdb ]; do sleep 1; done
for n in $(seq ${rounds + 1}); do
  a=$(now); dd if=/dev/zero of=/dev/vdb bs=1M count=${mib} conv=fsync 2>/dev/null; b=$(now)
  echo 3 >/proc/sys/vm/drop_caches
  c=$(now); dd if=/dev/vdb of=/dev/null bs=1M count=${mib} 2>/dev/null; d=$(now)
  echo "[bench] $a $b $c $d"
done
echo "[bench] done"
`

/**
 * Measures how fast a guest writes and reads its volume, beside a bare QEMU with the same image, arguments and network whose
 * second disk is a raw file on the same disk of the host.
 */
export async function guestIo(cloud: Cloud, report: Report): Promise<void> {
  const { api } = await signedIn(cloud, 'demo')
  const { instances } = await api.compute.instances.launch.mutate({
    ...(await launchOf(api)),
    ...{ name: 'bench-io', userData: Buffer.from(script).toString('base64') },
    volumes: [{ from: { kind: 'blank' }, sizeGib: 1, deleteOnTermination: true }],
  })
  const id = instances[0]?.id ?? ''
  try {
    await reached(api, id, 'ACTIVE')
    const log = path.join(path.dirname(cloud.agentSocket), 'instances', id, 'serial.log')
    await doneIn(log)
    const volume = ratesIn(log)
    const recipe = recipeOf(cloud, id)
    await api.compute.instances.stop.mutate({ id })
    await reached(api, id, 'SHUTOFF')
    const floor = await bare(cloud, recipe)
    for (const what of ['write', 'read'] as const)
      report({
        ...{ metric: `guest: ${what} of its volume`, value: volume[what], floor: floor[what], unit: 'MB/s' },
        ...{ target: '≥ 95 % of the floor' },
        note: `${mib} MiB by dd, past the guest’s cache, median of ${rounds}; floor: a raw file under bare QEMU`,
      })
  } finally {
    await api.compute.instances.delete.mutate({ id })
    await gone(api, id)
  }
}

async function bare(cloud: Cloud, recipe: Recipe): Promise<{ write: number; read: number }> {
  const file = path.join(cloud.data, 'bench-io.raw')
  execFileSync('qemu-img', ['create', '-q', '-f', 'raw', file, '1G'])
  try {
    let rates = { write: 0, read: 0 }
    await bareQemu({ ...recipe, args: recipe.args.map((word) => withoutVolume(word, file)) }, async (log) => {
      await doneIn(log)
      rates = ratesIn(log)
    })
    return rates
  } finally {
    fs.rmSync(file)
  }
}

/** The node of the volume, with its limits and layers, becomes the file. */
function withoutVolume(word: string, filename: string): string {
  if (!word.startsWith('{"driver":"throttle"')) return word
  const node = JSON.parse(word) as { 'node-name': string }
  const cache = { direct: true, 'no-flush': false }
  return JSON.stringify({
    ...{ driver: 'raw', 'node-name': node['node-name'], discard: 'unmap', cache },
    file: { driver: 'file', filename, discard: 'unmap', cache },
  })
}

const doneIn = (log: string): Promise<void> =>
  until('the guest has read and written', 300_000, async () =>
    fs.existsSync(log) ? fs.readFileSync(log, 'latin1').includes('[bench] done') : false,
  ).then(() => undefined)

/** The median rates in MB/s that a guest has said; the first round, in which the file gets its blocks, does not count. */
function ratesIn(log: string): { write: number; read: number } {
  const said = [...fs.readFileSync(log, 'latin1').matchAll(/\[bench\] ([\d.]+) ([\d.]+) ([\d.]+) ([\d.]+)/g)]
  const times = said.slice(1).map((words) => words.slice(1).map(Number))
  const rate = (from: number, to: number) =>
    (mib * 1024 ** 2) / 1e6 / median(times.map((time) => (time[to] ?? 0) - (time[from] ?? 0)))
  return { write: rate(0, 1), read: rate(2, 3) }
}
