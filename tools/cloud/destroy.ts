import fs from 'node:fs'
import { ask } from './ask.ts'
import { places } from './paths.ts'
import { node } from './prepare.ts'
import { hostName, ownDatabase } from './running.ts'
import { stopProcesses } from './stop.ts'

/** npm run destroy: removes every guest, every network and all data. The operator's own PostgreSQL is left alone. */
export async function destroy(yes: boolean): Promise<void> {
  const where = places()
  if (!fs.existsSync(where.data)) {
    console.log(`Nothing to destroy: ${where.data} does not exist.`)
    return
  }
  const own = ownDatabase(where)
  if (!yes) {
    const stays = own === null ? '' : ' Your own PostgreSQL stays as it is.'
    const answer = await ask(
      `This removes the cloud in ${where.data} for good: every guest with its disk, every network, all data.${stays} Type “destroy” to go on: `,
      'destroy',
    )
    if (answer === 'nobody')
      throw new Error(
        'Nothing was changed. Nobody is there to answer; without a question: npm run destroy -- --yes',
      )
    if (answer === 'no') {
      console.log('Nothing was changed.')
      return
    }
  }
  // stopProcesses() and not stop(), because stop() would print that guests go on.
  await stopProcesses()
  const out = await node('apps/agent/src/destroy.ts', [], {
    STRATOLITH_DATA: where.data,
    STRATOLITH_HOST: hostName(),
  })
  process.stdout.write(out)
  fs.rmSync(where.data, { recursive: true, force: true })
  console.log(`Removed the data in ${where.data}.`)
  if (own !== null) console.log(keptDatabase(own))
}

export function keptDatabase(databaseUrl: string): string {
  const { hostname, port, username, pathname, searchParams } = new URL(databaseUrl)
  const quoted = (text: string) => {
    const plain = decodeURIComponent(text)
    return /^[\w.:/-]+$/.test(plain) ? plain : `'${plain.replaceAll("'", `'\\''`)}'`
  }
  const words = [
    ['--host', searchParams.get('host') || hostname.replace(/^\[|\]$/g, '')],
    ['--port', searchParams.get('port') || port],
    ['--username', username],
  ].flatMap(([flag, value]) => (value ? `${flag}=${quoted(value)}` : []))
  const name = pathname.slice(1)
  return `The database of this cloud is in a PostgreSQL of your own and stays as it is. When no other data folder uses it, this drops it:\n  dropdb ${[...words, name ? quoted(name) : quoted(username)].join(' ')}`
}
