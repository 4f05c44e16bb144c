import { chmod, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { release } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { z } from 'zod'
import { DriverError } from '../errors.ts'
import { probeSector } from './boot-sector.ts'
import { type Accelerator, jailEnvironment, sandbox } from './qemu-args.ts'
import { type Jail, jailArgs } from './qemu-process.ts'
import { writeAtomic } from './state-files.ts'

/** `groups` are the ids of the groups that QEMU must be in to open /dev/kvm (empty with TCG). */
export type ProbedAccelerator = {
  accelerator: Accelerator
  reason: string | null
  version: string
  groups: number[]
}
type ProbeOptions = {
  binary: string
  /** Where the answer is kept (accel.json) and the probe's disk lies for a moment. */
  directory: string
  want: 'auto' | Accelerator
  /** The user id that runs the probe; no guest has this id. */
  uid: number
}

const cacheSchema = z.object({
  key: z.string(),
  accelerator: z.enum(['kvm', 'tcg']),
  reason: z.string().nullable(),
  version: z.string(),
  groups: z.array(z.int()),
})
/** KVM answers within 100 ms or never; TCG is only slow on a busy machine. */
const limitMs = { kvm: 2_000, tcg: 20_000 } as const

/**
 * Which accelerator really runs guest code here. A device file proves nothing: some machines have
 * /dev/kvm and guests hang on it, so the probe boots a boot sector through the firmware, as an
 * unprivileged user like the guests' QEMU. The answer is cached until the kernel, QEMU, the user id of
 * the probe, the rights of /dev/kvm or STRATOLITH_ACCEL (`want`) changes.
 * Raises `unsupported` when QEMU is missing or nothing works.
 */
export async function probeAccelerator(options: ProbeOptions): Promise<ProbedAccelerator> {
  const version = await qemuVersion(options.binary)
  const kvm = await kvmAccess()
  const key = JSON.stringify([release(), version, options.want, options.uid, kvm])
  const cachePath = join(options.directory, 'accel.json')
  const cached = await readCache(cachePath)
  if (cached && cached.key === key) return cached
  const probed = { ...(await choose(options, kvm)), version }
  await mkdir(options.directory, { recursive: true })
  await writeAtomic(cachePath, JSON.stringify({ key, ...probed }))
  return probed
}

type KvmAccess = { groups: number[]; problem: string | null }

async function choose(options: ProbeOptions, kvm: KvmAccess): Promise<Omit<ProbedAccelerator, 'version'>> {
  const { want } = options
  let reason: string | null = 'KVM is switched off by STRATOLITH_ACCEL=tcg.'
  if (want !== 'tcg') {
    reason = kvm.problem ?? (await boots(options, 'kvm', kvm.groups))
    if (reason === null) return { accelerator: 'kvm', reason: null, groups: kvm.groups }
    if (want === 'kvm')
      throw new DriverError('unsupported', `${reason} Set STRATOLITH_ACCEL=auto to go on without KVM.`)
  }
  const failure = await boots(options, 'tcg', [])
  if (failure !== null)
    throw new DriverError('unsupported', `QEMU does not run guests on this host. ${failure}`)
  return { accelerator: 'tcg', reason, groups: [] }
}

async function qemuVersion(binary: string): Promise<string> {
  try {
    const { stdout } = await execa(binary, ['--version'], { timeout: 20_000 })
    return /version (\d[\w.]*)/.exec(stdout)?.[1] ?? 'unknown'
  } catch (cause) {
    throw new DriverError('unsupported', `${binary} cannot be run: install the package qemu-system-x86.`, {
      cause,
    })
  }
}

/** How the unprivileged user may open /dev/kvm: by its group (never root's), by everybody's right, or not. */
async function kvmAccess(): Promise<KvmAccess> {
  const device = await stat('/dev/kvm').catch(() => null)
  if (device === null) return { groups: [], problem: 'This machine has no /dev/kvm.' }
  const may = (bits: number) => (device.mode & bits) === bits
  if (may(0o006)) return { groups: [], problem: null }
  if (may(0o060) && device.gid !== 0) return { groups: [device.gid], problem: null }
  return {
    groups: [],
    problem: 'Only root may open /dev/kvm: give it to a group of its own (group kvm, mode 0660).',
  }
}

/** Null when the boot sector ran, else a sentence that says why not. */
async function boots(
  options: ProbeOptions,
  accelerator: Accelerator,
  groups: number[],
): Promise<string | null> {
  await mkdir(options.directory, { recursive: true })
  const directory = await mkdtemp(join(options.directory, 'probe-'))
  try {
    await writeFile(join(directory, 'probe.bin'), probeSector)
    // The probe's user reads the file through its working directory, whatever the directories above allow.
    await chmod(join(directory, 'probe.bin'), 0o644)
    await chmod(directory, 0o711)
    const jail: Jail = { uid: options.uid, groups, netns: null, taps: [], tun: null, home: null }
    const [file, ...args] = [...jailArgs(jail), options.binary, ...probeArgs(accelerator)]
    const result = await execa(file ?? 'setpriv', args, {
      cwd: directory,
      env: jailEnvironment,
      extendEnv: false,
      timeout: limitMs[accelerator],
      forceKillAfterDelay: false,
      killSignal: 'SIGKILL',
      reject: false,
      all: true,
      stdin: 'ignore',
    })
    if (result.exitCode === 33) return null
    const name = accelerator.toUpperCase()
    if (result.timedOut)
      return `A guest under ${name} hung: its boot sector did not run within ${limitMs[accelerator]} ms.`
    const said = result.all.trim().slice(-500)
    return `A guest under ${name} did not start: ${said || result.shortMessage || 'QEMU says nothing'}.`
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

function probeArgs(accelerator: Accelerator): string[] {
  return [
    ...['-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot'],
    ...sandbox,
    ...['-machine', `pc,accel=${accelerator}`, '-m', '2'],
    ...['-device', 'isa-debug-exit,iobase=0xf4,iosize=1'],
    ...['-drive', 'if=floppy,format=raw,readonly=on,file=probe.bin', '-boot', 'a'],
  ]
}

async function readCache(path: string): Promise<z.infer<typeof cacheSchema> | null> {
  const text = await readFile(path, 'utf8').catch(() => null)
  if (text === null) return null
  try {
    return cacheSchema.parse(JSON.parse(text))
  } catch {
    return null // The file has an older form or is damaged: probe again.
  }
}
