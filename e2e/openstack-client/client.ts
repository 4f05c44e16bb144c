import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'

/**
 * The stock client of Debian 12 (python3-openstackclient 6.0) in its interactive mode: one Python process
 * for a whole day makes hundreds of commands affordable. Each command is followed by
 * an echo of the client's own shell, so that we know when its output is complete.
 */
export type StockClient = {
  /** Runs a command that must succeed with an empty stderr. Returns its output. */
  run(command: string): Promise<string>
  /** Runs the command with `-f json` and returns the parsed output. */
  json<T = Row>(command: string): Promise<T>
  /** Runs a command that must fail with a stderr that matches `why`. */
  fails(command: string, why: RegExp): Promise<void>
  close(): Promise<void>
  /** The number of commands so far. */
  readonly count: number
}
/** One thing as the client prints it; lists are Row[]. */
export type Row = Record<string, unknown>

const commandMs = 300_000

/** The variables that admin-openrc.sh sets, for a person of the domain Default. */
export const clientEnv = (
  url: string,
  person: { name: string; password: string; project: string },
): Record<string, string> => ({
  OS_AUTH_URL: `${url}/identity/v3`,
  OS_USERNAME: person.name,
  OS_PASSWORD: person.password,
  OS_PROJECT_NAME: person.project,
  OS_USER_DOMAIN_NAME: 'Default',
  OS_PROJECT_DOMAIN_NAME: 'Default',
  OS_IDENTITY_API_VERSION: '3',
  OS_REGION_NAME: 'RegionOne',
})

export function startClient(env: Record<string, string>, label: string): StockClient {
  const child = spawn('/usr/bin/openstack', [], {
    env: {
      PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
      HOME: '/nonexistent',
      PYTHONUNBUFFERED: '1',
      LC_ALL: 'C.UTF-8',
      ...env,
    },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  const said = collect(child)
  let count = 0
  const execute = async (command: string): Promise<{ out: string; err: string }> => {
    count += 1
    const mark = `--done-${count}-${label}--`
    const started = Date.now()
    said.clear()
    child.stdin.write(`${command}\n!echo ${mark}\n`)
    while (!said.out().includes(mark)) {
      if (child.exitCode !== null) throw new Error(`${label}: openstack ended: ${said.err().slice(-500)}`)
      if (Date.now() - started > commandMs) throw new Error(`${label}: ${command}: no answer`)
      await sleep(5)
    }
    // The command's stderr was written before the echo ran; let its pipe be read.
    await sleep(10)
    return { out: said.out().split(mark, 1)[0]?.trim() ?? '', err: said.err().trim() }
  }
  const run = async (command: string) => {
    const { out, err } = await execute(command)
    if (err !== '') throw new Error(`${label}: openstack ${command}\n      ${err.slice(0, 600)}`)
    return out
  }
  return {
    run,
    async json<T>(command: string) {
      const out = await run(`${command} -f json`)
      try {
        return JSON.parse(out) as T
      } catch (error) {
        throw new Error(`${label}: openstack ${command} printed no JSON: ${out.slice(0, 300)}`, {
          cause: error,
        })
      }
    },
    async fails(command, why) {
      const { out, err } = await execute(command)
      if (!why.test(err))
        throw new Error(
          `${label}: openstack ${command} should fail with ${why}, said: ${(err || out).slice(0, 500)}`,
        )
    },
    async close() {
      child.stdin.end()
      if (child.exitCode === null) await new Promise((resolve) => child.once('exit', resolve))
    },
    get count() {
      return count
    },
  }
}

function collect(child: ChildProcessWithoutNullStreams) {
  let [out, err] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    err += text
  })
  return {
    out: () => out,
    err: () => err,
    clear() {
      out = ''
      err = ''
    },
  }
}
