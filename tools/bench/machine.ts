import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'

/** The machine in one line, without which no figure means anything. */
export function machine(): string {
  const [cpu] = os.cpus()
  const qemu = execFileSync('qemu-system-x86_64', ['--version'], { encoding: 'utf8' }).split('\n')[0] ?? ''
  return [
    `${os.cpus().length} × ${cpu?.model ?? 'unknown CPU'}`,
    `${(os.totalmem() / 1024 ** 3).toFixed(0)} GiB of memory`,
    `Linux ${os.release()}`,
    qemu.replace(/^QEMU emulator version /, 'QEMU '),
    `Node ${process.versions.node}`,
    `${new Date().toISOString().slice(0, 10)}`,
    `load ${os
      .loadavg()
      .map((load) => load.toFixed(1))
      .join(' ')} when it was printed`,
  ].join(', ')
}

/** How long `cat` of a file into another one takes, in ms, with `sync` until the bytes are on the disk. */
export function cat(from: string, to: string, sync: boolean): number {
  const started = performance.now()
  const out = fs.openSync(to, 'w')
  execFileSync('cat', [from], { stdio: ['ignore', out, 'inherit'] })
  if (sync) fs.fsyncSync(out)
  fs.closeSync(out)
  return performance.now() - started
}
