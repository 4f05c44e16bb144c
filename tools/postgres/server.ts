import { type ChildProcess, spawn } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { environmentOf } from '../cloud/environment.ts'
import { dropTo } from '../cloud/launch.ts'
import { superuser } from './application.ts'
import { type Programs, programs, type ServerUser, serverUser } from './programs.ts'

export type ServerSpec = {
  /** The folder of the server, which other users may enter. The database is in `<dir>/data`. */
  dir: string
  port: number
  password: string
  settings: Record<string, string>
  log?: (line: string) => void
}

/** Makes the database when there is none yet and starts its server; resolves when the server accepts connections. */
export async function startServer(spec: ServerSpec): Promise<void> {
  const lines: string[] = []
  const log = (text: string) => {
    lines.push(...text.trim().split('\n'))
    lines.splice(0, lines.length - 5)
    spec.log?.(text)
  }
  try {
    const user = serverUser()
    const found = programs(spec.dir, user)
    if (!fs.existsSync(path.join(spec.dir, 'data', 'PG_VERSION'))) await makeDatabase(spec, found, user, log)
    await serve(spec, found, user, log)
  } catch (error) {
    const said = lines.join(' | ')
    throw new Error(
      `PostgreSQL did not start in ${spec.dir}: ${error instanceof Error ? error.message : error}${said ? ` It said: ${said}` : ''}`,
      { cause: error },
    )
  }
}

/** Makes the database by initdb, in a folder that gets its name at the end, so that an interrupted one is made again. */
async function makeDatabase(
  { dir, password }: ServerSpec,
  { initdb }: Programs,
  user: ServerUser,
  log: (text: string) => void,
): Promise<void> {
  const data = path.join(dir, 'data.part')
  const passwordFile = path.join(dir, 'password.initdb')
  fs.rmSync(data, { recursive: true, force: true })
  fs.mkdirSync(data, { mode: 0o700 })
  fs.rmSync(passwordFile, { force: true })
  fs.writeFileSync(passwordFile, password, { mode: 0o600 })
  if (user !== null) for (const file of [data, passwordFile]) fs.chownSync(file, user.uid, user.gid)
  const child = run(initdb, dir, user, log, [
    `--pgdata=${data}`,
    `--pwfile=${passwordFile}`,
    '--auth=password',
    `--username=${superuser}`,
    '--encoding=UTF8',
    '--locale=C.UTF-8',
    '--lc-messages=C',
  ])
  try {
    await child.started
    const code = await child.ended
    if (code !== 0) throw new Error(`initdb ended with ${code}.`)
    fs.renameSync(data, path.join(dir, 'data'))
  } finally {
    fs.rmSync(passwordFile, { force: true })
  }
}

async function serve(
  { dir, port, settings }: ServerSpec,
  { postgres }: Programs,
  user: ServerUser,
  log: (text: string) => void,
): Promise<void> {
  const { promise: ready, resolve } = Promise.withResolvers<void>()
  const listen = (text: string) => {
    if (text.includes('database system is ready to accept connections')) resolve()
    log(text)
  }
  const child = run(postgres, dir, user, listen, [
    '-D',
    path.join(dir, 'data'),
    '-p',
    String(port),
    ...Object.entries(settings).flatMap(([key, value]) => ['-c', `${key}=${value}`]),
  ])
  await child.started
  await Promise.race([
    ready,
    child.ended.then((code) => {
      throw new Error(`The server ended with ${code}.`)
    }),
  ])
}

type Child = { started: Promise<void>; ended: Promise<number | NodeJS.Signals | null> }

/**
 * Runs a program of PostgreSQL as the server's user, who may have no access to our working directory, gets nothing of
 * our environment, and cannot become another user. The program ends with this process.
 */
function run(
  program: string,
  cwd: string,
  user: ServerUser,
  log: (text: string) => void,
  args: string[],
): Child {
  const [first = '', ...words] = [
    ...(user ? dropTo(user) : ['setpriv', '--no-new-privs', '--']),
    program,
    ...args,
  ]
  const child: ChildProcess = spawn(first, words, {
    cwd,
    env: environmentOf('postgres', { LC_MESSAGES: 'C' }, process.env),
    // The server has a session of its own: Ctrl-C reaches only this process, which stops the server after its users.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  child.stdout?.on('data', (chunk: Buffer) => log(String(chunk)))
  child.stderr?.on('data', (chunk: Buffer) => log(String(chunk)))
  const interrupt = () => child.kill('SIGINT')
  process.once('exit', interrupt)
  const ended = new Promise<number | NodeJS.Signals | null>((resolve) => {
    child.once('close', (code, signal) => {
      process.off('exit', interrupt)
      resolve(code ?? signal)
    })
  })
  const started = new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve)
    child.once('error', (error: NodeJS.ErrnoException) => {
      process.off('exit', interrupt)
      reject(
        new Error(`${first} could not be run (${error.code}); it is of the package util-linux.`, {
          cause: error,
        }),
      )
    })
  })
  return { started, ended }
}
