import { DriverError } from '../../errors.ts'
import type { Op } from '../../op.ts'
import { execute } from '../../programs/execute.ts'
import { runProgram } from '../../programs/run.ts'

export type ExecOptions = {
  /** Network namespace to run in; the machine's own when absent. */
  namespace?: string
  input?: string
  timeoutMs?: number
  maxOutputBytes?: number
  /** Exit codes that are an answer and not a failure. */
  accept?: readonly number[]
}
export type ExecResult = { stdout: string; stderr: string; exitCode: number }

const handedOn = 32 * 1024 * 1024
export const namespaceFolder = '/run/netns'

/**
 * Runs one program by argv (never a shell), bounded in time and output. `failed` when it answers with an
 * error, `unavailable` when it does not end in time, `unsupported` when it is not installed.
 */
export async function run(op: Op, argv: readonly string[], options: ExecOptions = {}): Promise<ExecResult> {
  const { namespace, input = '', timeoutMs = 10_000, maxOutputBytes = handedOn, accept = [0] } = options
  const full =
    namespace === undefined ? argv : ['nsenter', `--net=${namespaceFolder}/${namespace}`, '--', ...argv]
  const [file = '', ...args] = full
  // What may be large is not handed from process to process.
  const start = maxOutputBytes > handedOn ? execute : runProgram
  const result = await start(op.signal, {
    file,
    args,
    input,
    timeoutMs,
    maxBuffer: maxOutputBytes,
    killSignal: 'SIGKILL',
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' },
  })
  const what = argv.slice(0, 4).join(' ').slice(0, 200)
  // nsenter says 127 for a program that is not there.
  if (result.code === 'ENOENT' || (namespace !== undefined && result.exitCode === 127))
    throw missing(argv[0] ?? file)
  if (result.isCanceled) throw new DriverError('unavailable', `'${what}' was cancelled.`)
  if (result.timedOut) throw new DriverError('unavailable', `'${what}' did not end within ${timeoutMs} ms.`)
  if (result.isMaxBuffer)
    throw new DriverError('failed', `'${what}' printed more than ${maxOutputBytes} bytes.`)
  if (result.exitCode === undefined || !accept.includes(result.exitCode))
    throw new DriverError(
      'failed',
      `'${what}' failed (${result.exitCode ?? result.signal}): ${excerpt(result.stderr)}`,
    )
  return { stdout: result.stdout, stderr: result.stderr, exitCode: result.exitCode }
}

const packages: Readonly<Record<string, string>> = {
  nft: 'nftables',
  ip: 'iproute2',
  dnsmasq: 'dnsmasq-base',
  conntrack: 'conntrack',
  nsenter: 'util-linux',
  sysctl: 'procps',
  modprobe: 'kmod',
  perl: 'perl-base',
}

function missing(program: string): DriverError {
  const name = packages[program] ?? program
  return new DriverError(
    'unsupported',
    `'${program}' is not installed on this host: run 'apt-get install ${name}'.`,
  )
}

function excerpt(text: string): string {
  return text.length > 600 ? `${text.slice(0, 600)}…` : text
}

const changes = { links: 0, rules: 0 }
/** How often this process has changed links and rules: what was read before the last change is old. */
export const changesSoFar = (): Readonly<typeof changes> => ({ ...changes })

/** One nft transaction: all of the text takes effect, or none of it. */
export async function nft(op: Op, namespace: string | undefined, text: string): Promise<void> {
  changes.rules += 1
  await run(op, ['nft', '-f', '-'], { namespace, input: text })
}

/**
 * The same, and what the kernel says that it has now of what was written (nft(8), --echo). Such a text is an
 * argument, which the kernel bounds to 128 KiB and other users of the machine can see in its list of processes, because
 * nft looks for JSON first and reads its input once.
 */
export async function nftEcho(op: Op, namespace: string | undefined, text: string): Promise<unknown> {
  changes.rules += 1
  return runJson(op, ['nft', '-j', '-e', '-s', text], { namespace })
}

/** One `ip` process for many changes. `force` goes on after a command that fails. */
export async function ipBatch(
  op: Op,
  namespace: string | undefined,
  lines: readonly string[],
  options: { force?: boolean } = {},
): Promise<void> {
  if (lines.length === 0) return
  changes.links += 1
  const flags = options.force ? ['-force', '-batch', '-'] : ['-batch', '-']
  await run(op, ['ip', ...flags], {
    namespace,
    input: `${lines.join('\n')}\n`,
    accept: options.force ? [0, 1] : [0],
  })
}

/** JSON that a tool printed. Tools print nothing at all for an empty list. */
export async function runJson(op: Op, argv: readonly string[], options: ExecOptions = {}): Promise<unknown> {
  const { stdout } = await run(op, argv, options)
  if (stdout.trim() === '') return []
  try {
    return JSON.parse(stdout)
  } catch (cause) {
    throw new DriverError('failed', `'${argv.slice(0, 4).join(' ')}' printed something that is not JSON.`, {
      cause,
    })
  }
}
