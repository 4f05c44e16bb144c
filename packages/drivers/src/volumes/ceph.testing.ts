import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '../free-port.testing.ts'
import type { OpenPool } from './ceph.ts'

/**
 * A real Ceph cluster of Debian for tests: one monitor and one OSD that keeps everything in memory, on the loopback
 * interface, without a manager. It is there after some two seconds and takes 70 MB. Its pool `volumes` has a quota of
 * 100 GiB, which stands for its size. The user `tests` may use this pool and the pool `others`.
 */
export type TestCeph = {
  pool: OpenPool
  otherPool: OpenPool
  /** Runs a command of Ceph's command line as the administrator. */
  ceph(...args: string[]): string
  /** The same with rbd. */
  rbd(...args: string[]): string
  /** Stops the whole cluster for a while, as a broken network would; returns the function that lets it go on. */
  pause(): () => void
  stop(): void
}

export async function startCeph(): Promise<TestCeph> {
  const dir = fs.mkdtempSync('/var/tmp/strato-ceph-')
  const port = await freePort()
  const conf = path.join(dir, 'ceph.conf')
  const address = `[v2:127.0.0.1:${port}]`
  const fsid = crypto.randomUUID()
  fs.writeFileSync(conf, settings(dir, fsid, address))
  const children: ChildProcess[] = []
  const run = (file: string, args: string[], input?: string) =>
    execFileSync(file, ['-c', conf, ...args], { encoding: 'utf8', input, stdio: ['pipe', 'pipe', 'pipe'] })
  const daemon = (file: string, ...args: string[]) => {
    const log = fs.openSync(path.join(dir, `${file}.log`), 'a')
    // A test that is killed takes its cluster along.
    const words = ['--pdeathsig=KILL', '--', file, '-f', '-c', conf, ...args]
    children.push(spawn('setpriv', words, { stdio: ['ignore', log, log] }))
    fs.closeSync(log)
  }
  const stop = () => {
    for (const child of children) child.kill('SIGKILL')
    fs.rmSync(dir, { recursive: true, force: true })
  }
  try {
    makeMonitor(dir, conf, fsid, address)
    daemon('ceph-mon', '-i', 'a')
    makeDisk(dir, conf, run)
    daemon('ceph-osd', '-i', '0')
    for (
      const until = Date.now() + 60_000;
      !/"num_up_osds":1/.test(run('ceph', ['osd', 'stat', '-f', 'json']));
    ) {
      if (Date.now() > until) throw new Error(`The OSD of the test cluster is not up: see ${dir}.`)
      await sleep(50)
    }
    // One process for several commands, because each start of Ceph's command line takes 0.3 s.
    const commands = [
      ...['volumes', 'others'].flatMap((name) => [
        `osd pool create ${name} 8 8`,
        `osd pool application enable ${name} rbd`,
      ]),
      `osd pool set-quota volumes max_bytes ${100 * 1024 ** 3}`,
      "auth get-or-create client.tests mon 'profile rbd' osd 'profile rbd pool=volumes, profile rbd pool=others'",
      'quit',
    ]
    const said = run('ceph', [], `${commands.join('\n')}\n`)
    const key = /key = (\S+)/.exec(said)?.[1]
    if (!key) throw new Error(`The test cluster has made no user: ${said}`)
    const signal = (name: NodeJS.Signals) => {
      for (const child of children) child.kill(name)
    }
    const place = { driver: 'rbd' as const, monitors: [`127.0.0.1:${port}`], user: 'tests', key }
    return {
      pool: { ...place, id: 'ceph', pool: 'volumes' },
      otherPool: { ...place, id: 'others', pool: 'others' },
      ceph: (...args) => run('ceph', args),
      rbd: (...args) => run('rbd', args),
      pause() {
        signal('SIGSTOP')
        return () => signal('SIGCONT')
      },
      stop,
    }
  } catch (error) {
    stop()
    throw error
  }
}

function makeMonitor(dir: string, conf: string, fsid: string, address: string): void {
  const run = (file: string, ...args: string[]) => execFileSync(file, args, { stdio: 'pipe' })
  const keys = (name: string) => path.join(dir, name)
  const all = ['mon', 'osd'].flatMap((kind) => ['--cap', kind, 'allow *'])
  run('ceph-authtool', '-C', keys('mon.keyring'), '--gen-key', '-n', 'mon.', '--cap', 'mon', 'allow *')
  run('ceph-authtool', '-C', keys('admin.keyring'), '--gen-key', '-n', 'client.admin', ...all)
  run('ceph-authtool', keys('mon.keyring'), '--import-keyring', keys('admin.keyring'))
  run('monmaptool', '--create', '--fsid', fsid, '--addv', 'a', address, keys('monmap'))
  const words = ['--monmap', keys('monmap'), '--keyring', keys('mon.keyring')]
  run('ceph-mon', '-c', conf, '--mkfs', '-i', 'a', ...words)
  fs.copyFileSync(keys('mon.keyring'), path.join(dir, 'mon/keyring'))
}

function makeDisk(dir: string, conf: string, run: (file: string, args: string[], input?: string) => string) {
  const uuid = crypto.randomUUID()
  fs.mkdirSync(path.join(dir, 'osd'))
  const key = execFileSync('ceph-authtool', ['--gen-print-key'], { encoding: 'utf8' }).trim()
  const file = path.join(dir, 'osd/keyring')
  execFileSync('ceph-authtool', ['-C', file, '-n', 'osd.0', '--add-key', key], { stdio: 'pipe' })
  run('ceph', ['osd', 'new', uuid, '-i', '-'], JSON.stringify({ cephx_secret: key }))
  execFileSync('ceph-osd', ['-c', conf, '-i', '0', '--mkfs', '--osd-uuid', uuid], { stdio: 'pipe' })
}

/**
 * A change of the cluster's map waits for `paxos propose interval`, one second by default, which many changes add up to. A
 * client that was killed is missed after 5 s instead of 30.
 */
const settings = (dir: string, fsid: string, address: string): string => `[global]
fsid = ${fsid}
mon host = ${address}
public addr = 127.0.0.1
ms bind msgr1 = false
keyring = ${dir}/admin.keyring
run dir = ${dir}
admin socket =
log file = ${dir}/$name.log
mon cluster log file = ${dir}/cluster.log
mon cluster log to file = false
auth allow insecure global id reclaim = false
osd pool default size = 1
osd pool default min size = 1
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
mon allow pool size one = true
mon warn on pool no redundancy = false
mon data avail warn = 2
paxos propose interval = 0.05
paxos min wait = 0.01
mon data = ${dir}/mon
[osd]
osd data = ${dir}/osd
keyring = ${dir}/osd/keyring
osd objectstore = memstore
memstore device bytes = ${4 * 1024 ** 3}
osd client watch timeout = 5
osd max pg log entries = 100
osd min pg log entries = 100
osd op num shards = 2
osd op num threads per shard = 1
osd class update on start = false
`
