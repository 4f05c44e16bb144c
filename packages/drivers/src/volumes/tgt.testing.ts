import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '../free-port.testing.ts'
import type { PoolSpec } from './interface.ts'

/**
 * A real iSCSI target for tests: Debian's tgtd, which keeps LUNs in files, on the loopback interface, with a control socket of
 * its own. Both targets demand CHAP.
 */
export type TestTgt = {
  pool: IscsiPool
  otherPool: IscsiPool
  /** Adds a LUN of that many MiB to a target (1 or 2), which is a file of zeros, and returns the path of the file. */
  addLun(target: number, lun: number, mib: number): string
  removeLun(target: number, lun: number): void
  /** Stops the whole target for a while, as a broken network would; returns the function that lets it go on. */
  pause(): () => void
  stop(): void
}
type IscsiPool = Extract<PoolSpec, { driver: 'iscsi' }> & { secret: string }

const names = ['iqn.2026-01.test.stratolith:volumes', 'iqn.2026-01.test.stratolith:others']
const account = { user: 'tests', secret: 'a-secret-of-tests' }

export async function startTgt(): Promise<TestTgt> {
  const dir = fs.mkdtempSync('/var/tmp/strato-tgt-')
  const port = await freePort()
  const env = { ...process.env, TGT_IPC_SOCKET: path.join(dir, 'control') }
  const log = fs.openSync(path.join(dir, 'log'), 'a')
  // A test that is killed takes its target along.
  const words = ['tgtd', '-f', '--iscsi', `portal=127.0.0.1:${port}`]
  const child: ChildProcess = spawn('setpriv', ['--pdeathsig=KILL', '--', ...words], {
    ...{ env, stdio: ['ignore', log, log] },
  })
  fs.closeSync(log)
  const stop = () => {
    child.kill('SIGKILL')
    fs.rmSync(dir, { recursive: true, force: true })
  }
  const tgt = (op: string, mode: string, ...args: string[]) =>
    execFileSync('tgtadm', ['--lld', 'iscsi', '--op', op, '--mode', mode, ...args], {
      ...{ env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] },
    })
  const addLun = (target: number, lun: number, mib: number): string => {
    const file = path.join(dir, `${target}-${lun}`)
    fs.writeFileSync(file, '')
    fs.truncateSync(file, mib * 1024 ** 2)
    const place = ['--tid', String(target), '--lun', String(lun)]
    tgt('new', 'logicalunit', ...place, '-b', file)
    tgt('update', 'logicalunit', ...place, '--params', 'thin_provisioning=1')
    return file
  }
  try {
    for (const until = Date.now() + 30_000; ; await sleep(50))
      try {
        tgt('show', 'sys')
        break
      } catch (error) {
        if (Date.now() > until) throw error
      }
    tgt('new', 'account', '--user', account.user, '--password', account.secret)
    for (const [index, name] of names.entries()) {
      const tid = ['--tid', String(index + 1)]
      tgt('new', 'target', ...tid, '-T', name)
      tgt('bind', 'account', ...tid, '--user', account.user)
      tgt('bind', 'target', ...tid, '-I', 'ALL')
    }
    const place = { driver: 'iscsi' as const, portal: `127.0.0.1:${port}`, ...account }
    return {
      pool: { ...place, id: 'luns', target: names[0] ?? '' },
      otherPool: { ...place, id: 'other-luns', target: names[1] ?? '' },
      addLun,
      removeLun: (target, lun) => {
        tgt('delete', 'logicalunit', '--tid', String(target), '--lun', String(lun))
        fs.rmSync(path.join(dir, `${target}-${lun}`))
      },
      pause() {
        child.kill('SIGSTOP')
        return () => child.kill('SIGCONT')
      },
      stop,
    }
  } catch (error) {
    stop()
    throw error
  }
}
