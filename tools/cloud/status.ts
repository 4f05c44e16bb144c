import { postgresPid } from '../postgres.ts'
import { askDatabase, nameOf } from './database.ts'
import { type Places, places } from './paths.ts'
import { embeddedDir, ownDatabase, running } from './running.ts'
import { leftServices } from './supervisor.ts'

const processes = ['agent', 'api', 'worker', 'console-proxy', 'web']

/** npm run status. Returns 0 when all processes run. */
export async function status(): Promise<number> {
  const where = places()
  const cloud = running(where)
  const names = Object.keys(leftServices(where))
  const postgres = await postgresLine(where)
  if (cloud) console.log(`running at ${cloud.url}, supervisor pid ${cloud.pid}`)
  else if (names.length > 0) console.log(withoutSupervisor(names))
  else console.log('not running')
  console.log(`data: ${where.data}`)
  const lines = processes.map((name) => [name, names.includes(name) ? 'up' : 'down'])
  for (const [name = '', how] of [...lines, ['PostgreSQL', postgres]])
    console.log(`${name.padEnd(14)} ${how}`)
  return cloud && names.length === processes.length && postgres.startsWith('up') ? 0 : 1
}

/** The sentence about a cloud of which only `npm start` itself was killed. */
export const withoutSupervisor = (names: readonly string[]): string =>
  `running without its supervisor, which was ended: ${names.join(', ')} ${names.length > 1 ? 'go' : 'goes'} on, but nobody starts again what ends. npm start takes over.`

async function postgresLine(where: Places): Promise<string> {
  const own = ownDatabase(where)
  if (own === null) return postgresPid(embeddedDir(where)) === null ? 'down' : 'up'
  const up = await askDatabase(own).then(
    () => true,
    () => false,
  )
  return `${up ? 'up' : 'down'} (your own: ${nameOf(own)})`
}
