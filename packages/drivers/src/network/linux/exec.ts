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
  /** Exit codes that count as success. Default 0 alone. */
  accept?: readonly number[]
}
export type ExecResult = { stdout: string; stderr: string; exitCode: number }

const handedOn = 32 * 1024 * 1024
export const namespaceFolder = '/run/netns'

/**
 * Runs one program by argv (never a shell), bounded in time and output. Raises `failed` when the program reports an
 * error, `unavailable` when it does not end in time, `unsupported` when it is not installed.
 */
export async function run(op: Op, argv: readonly string[], options: ExecOptions = {}): Promise<ExecResult> {
  const { namespace, input = '', timeoutMs = 10_000, maxOutputBytes = handedOn, accept = [0] } = options
  const full =
    namespace === undefined ? argv : ['nsenter', `--net=${namespaceFolder}/${namespace}`, '--', ...argv]
  const [file = '', ...args] = full
  // A program with large output is a child of this process, so that the output is not copied from process to process.
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
  // nsenter exits with 127 when the program does not exist.
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
/** How often this process has changed links and rules: anything that was read before the last change is outdated. */
export const changesSoFar = (): Readonly<typeof changes> => ({ ...changes })

/** Runs one nft transaction: the whole text takes effect, or nothing of it. */
export async function nft(op: Op, namespace: string | undefined, text: string): Promise<void> {
  changes.rules += 1
  await run(op, ['nft', '-f', '-'], { namespace, input: text })
}

/**
 * Runs one nft transaction and returns what the kernel then has of it (nft(8), --echo), as JSON. The text is passed as
 * an argument, because nft with -j first tries to parse its input as JSON and reads its input only once. The kernel
 * bounds an argument to 128 KiB, and other users of the machine can see it in the list of processes.
 */
export async function nftEcho(op: Op, namespace: string | undefined, text: string): Promise<unknown> {
  changes.rules += 1
  return runJson(op, ['nft', '-j', '-e', '-s', text], { namespace })
}

/** Runs many `ip` commands in one process. With `force` it goes on after a command that fails. */
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

/** Runs a tool and parses the JSON that it prints. Tools print nothing at all for an empty list. */
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
