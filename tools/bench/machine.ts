import { execFileSync } from 'node:child_process'
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
