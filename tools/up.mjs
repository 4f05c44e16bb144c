// npm start, before node_modules exists: this file depends on nothing but Node itself.
// It prepares the machine until tools/cloud.ts can run, then hands over to that file.
import { spawn, spawnSync } from 'node:child_process'
import crypto from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'

const root = path.resolve(import.meta.dirname, '..')
const command = process.argv[2] ?? 'start'

/** The Debian packages for guests, networks and the test image; `test` adds those that only tests use. */
const packages = {
  start: [
    'qemu-system-x86',
    'qemu-utils',
    'xorriso',
    'dnsmasq-base',
    'nftables',
    'iproute2',
    'conntrack',
    'util-linux',
    'perl-base',
    'procps',
    'e2fsprogs',
    'fdisk',
    'cpio',
    'binutils',
    'openssl',
    'openssh-client',
    'sshpass',
    'ca-certificates',
  ],
  test: [
    'chromium-headless-shell',
    'python3-openstackclient',
    'ansible-core',
    'python3-platformdirs',
    'python3-psutil',
    'python3-typing-extensions',
    'iputils-ping',
    'python3-minimal',
    'slapd',
    'ceph-common',
    'ceph-mon',
    'ceph-osd',
    'qemu-block-extra',
    'tgt',
  ],
}

const fail = (sentence) => {
  console.error(`\n${sentence}`)
  process.exit(1)
}

export async function prepareMachine(kind) {
  if (process.platform !== 'linux') fail(`Stratolith runs on Linux; this is ${process.platform}.`)
  if (Number(process.versions.node.split('.')[0]) < 20)
    fail(`Node 20 or newer is needed; this is ${process.version}.`)
  if (process.getuid() !== 0) {
    const missing = missingPackages(kind)
    if (missing.length > 0)
      fail(
        `Packages are missing. Type: sudo apt-get install -y --no-install-recommends ${missing.join(' ')}\nthen start again with: sudo npm ${kind === 'test' ? 'test' : 'start'}`,
      )
    fail(`Networks and guests need root. Start with: sudo npm ${kind === 'test' ? 'test' : 'start'}`)
  }
  if (!fs.existsSync('/dev/net/tun'))
    fail(
      'This machine has no /dev/net/tun, so guests cannot have network cards. Load it with “modprobe tun”, or give the container the device.',
    )
  await step('System packages', () => installPackages(missingPackages(kind)))
  await step('Node packages', installNodePackages)
}

function missingPackages(kind) {
  const wanted = kind === 'test' ? [...packages.start, ...packages.test] : packages.start
  const result = spawnSync('dpkg-query', ['-W', '-f=${Package} ${db:Status-Abbrev}\\n', ...wanted], {
    encoding: 'utf8',
  })
  if (result.error)
    fail(
      'This machine has no dpkg. Stratolith installs itself on Debian 12; elsewhere install the equivalents of: ' +
        wanted.join(' '),
    )
  const installed = new Set(
    result.stdout
      .split('\n')
      .filter((line) => / ii/.test(line))
      .map((line) => line.split(' ')[0]),
  )
  return wanted.filter((name) => !installed.has(name))
}

async function installPackages(missing) {
  if (missing.length === 0) return 'there already'
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  for (const service of ['slapd', 'tgt']) if (missing.includes(service)) keepFromStarting(service)
  await quietly('apt-get', ['update', '-q'], { env })
  await quietly('apt-get', ['install', '-y', '-q', '--no-install-recommends', ...missing], { env })
  return `installed ${missing.length}`
}

/** Keeps Debian from starting a service now and at each boot; the tests start it themselves, on another port. */
function keepFromStarting(service) {
  const unit = `/etc/systemd/system/${service}.service`
  fs.mkdirSync(path.dirname(unit), { recursive: true })
  if (!fs.existsSync(unit)) fs.symlinkSync('/dev/null', unit) // “systemctl mask” does the same.
}

async function installNodePackages() {
  const lock = fs.readFileSync(path.join(root, 'package-lock.json'))
  const stamp = path.join(root, 'node_modules/.stratolith-lock')
  const hash = crypto.createHash('sha256').update(lock).digest('hex')
  if (fs.existsSync(stamp) && fs.readFileSync(stamp, 'utf8') === hash) return 'there already'
  await quietly('npm', ['ci', '--no-audit', '--no-fund'], { cwd: root })
  fs.writeFileSync(stamp, hash)
  return 'installed'
}

/** Runs a program without output; when it fails, its last lines are shown. */
function quietly(file, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] })
    let tail = ''
    const keep = (chunk) => {
      tail = (tail + chunk).slice(-4000)
    }
    child.stdout.on('data', keep)
    child.stderr.on('data', keep)
    child.on('error', reject)
    child.on('close', (code) =>
      code === 0
        ? resolve()
        : reject(
            new Error(
              `${file} ${args[0]} failed (${code}):\n${tail.trim().split('\n').slice(-12).join('\n')}`,
            ),
          ),
    )
  })
}

async function step(title, fn) {
  const started = Date.now()
  const tick = process.stdout.isTTY
    ? setInterval(
        () => process.stdout.write(`\r  … ${title} ${Math.round((Date.now() - started) / 1000)} s`),
        500,
      )
    : null
  try {
    const note = await fn()
    if (tick) process.stdout.write('\r\u001b[K')
    console.log(`  ✓ ${title}: ${note} (${((Date.now() - started) / 1000).toFixed(1)} s)`)
  } catch (error) {
    fail(`${title}: ${error instanceof Error ? error.message : error}`)
  } finally {
    if (tick) clearInterval(tick)
  }
}

/** Runs a script in place of this process, with the same output, signals and exit code. */
export function handOver(script, args) {
  const node = path.join(root, 'node_modules/.bin/node')
  const child = spawn(fs.realpathSync(node), [path.join(root, script), ...args], {
    stdio: 'inherit',
    env: { ...process.env, STRATOLITH_STARTED_AT: String(startedAt) },
  })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  child.on('close', (code, signal) => process.exit(code ?? (signal ? 1 : 0)))
}

const startedAt = Date.now()
// Our processes run as users of their own, who must be able to read the files that npm installs.
process.umask(0o022)
if (process.argv[1] && path.resolve(process.argv[1]) === path.join(root, 'tools/up.mjs')) {
  if (['start', 'dev'].includes(command)) {
    console.log('Stratolith is starting.')
    await prepareMachine('start')
  } else if (command === 'restore') {
    // The machine may be new and unprepared.
    await prepareMachine('start')
  } else if (!fs.existsSync(path.join(root, 'node_modules/.bin/node'))) {
    fail('Nothing is installed here yet; start with: npm start')
  }
  handOver(
    command === 'restore' ? 'tools/backup/main.ts' : 'tools/cloud.ts',
    process.argv.slice(2).length ? process.argv.slice(2) : ['start'],
  )
}
