import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import path from 'node:path'
import readline from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { administratorCases, groupCases, serviceCases, typeCases } from './cinder-admin-cases.ts'
import { attachmentCases, backupCases, moreCases, snapshotCases, volumeCases } from './cinder-cases.ts'
import type { StockClient } from './client.ts'
import type { Names } from './main.ts'

type Step = (title: string, work: () => Promise<unknown>) => Promise<boolean>
export type Person = 'admin' | 'member' | 'reader' | 'stranger'
/**
 * A command of `cinder` and what it must print. {name} in it stands for a value that an earlier command has given, or that
 * the day knows.
 */
export type Case = {
  run: string
  /** The member by default. */
  as?: Person
  /** The microversion; the newest by default. */
  at?: string
  says?: RegExp
  lacks?: RegExp
  /** The command must fail with a sentence that matches. */
  fails?: RegExp
  /** The command is repeated until it says so, for what takes time. */
  until?: RegExp
  /** The value of a name for later commands: the id in the output, or the first group of the expression. */
  save?: string
  find?: RegExp
}

const limitMs = 300_000
/** The id in the output of a command: that of the thing itself before those of others. */
const idIn = (out: string) => /\| id\s+\| ([\da-f-]{36})/.exec(out) ?? /\| ([\da-f-]{36}) /.exec(out)

/** Debian's cinder (python3-cinderclient), all commands in one Python process (cinder-shell.py). */
function startCinder(people: Record<Person, Record<string, string>>) {
  const child = spawn('/usr/bin/python3', [path.join(import.meta.dirname, 'cinder-shell.py')], {
    env: { PATH: '/usr/bin:/bin', HOME: '/nonexistent', LC_ALL: 'C.UTF-8' },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const lines = readline.createInterface(child.stdout)[Symbol.asyncIterator]()
  return {
    async run(person: Person, version: string, command: string): Promise<{ out: string; err: string }> {
      // Quotes keep blanks together, as in a shell.
      const words = [...command.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain)
      const env = { ...people[person], OS_VOLUME_API_VERSION: version }
      child.stdin.write(`${JSON.stringify({ argv: ['--os-volume-api-version', version, ...words], env })}\n`)
      const { value, done } = await lines.next()
      if (done) throw new Error('cinder-shell.py has ended')
      return JSON.parse(value)
    },
    async close() {
      child.stdin.end()
      if (child.exitCode === null) await new Promise((resolve) => child.once('exit', resolve))
    },
  }
}

/** Every command of Debian's `cinder`, each as a row of a table: it works, or is refused with a code and a sentence. */
export async function cinderDay(
  people: Record<Person, Record<string, string>>,
  { member }: { member: StockClient },
  n: Names,
  ids: { project: string; elsewhere: string },
  step: Step,
): Promise<void> {
  const cinder = startCinder(people)
  const known: Record<string, string> = { v: `${n.volume}-c`, image: n.bootImage, ...ids }
  const used = new Set<string>()
  const fill = (text: string) =>
    text.replace(/\{(\w+)\}/g, (_, name: string) => {
      assert.ok(known[name], `no value of {${name}}`)
      return known[name]
    })

  async function check(one: Case): Promise<void> {
    const { as = 'member', at = '3.70', save, find } = one
    const command = fill(one.run)
    used.add(command.split(' ', 1)[0] ?? '')
    const until = Date.now() + limitMs
    let { out, err } = await cinder.run(as, at, command)
    while (one.until && !one.until.test(out)) {
      if (Date.now() > until)
        throw new Error(`never said ${one.until}, at last: ${(err || out).slice(0, 400)}`)
      await sleep(300)
      ;({ out, err } = await cinder.run(as, at, command))
    }
    // Some commands print why each thing has failed, and an error that only says that some have.
    if (one.fails) assert.match(`${err.trim() === '' ? 'no error: ' : out}${err}`, one.fails)
    else assert.equal(err.trim(), '')
    if (one.says) assert.match(out, one.says)
    if (one.lacks) assert.doesNotMatch(out, one.lacks)
    if (save === undefined) return
    const value = (find ? find.exec(out) : idIn(out))?.[1]
    assert.ok(value, `nothing to be {${save}} in ${out.slice(0, 400)}`)
    known[save] = value
  }

  /** All rows of a table, so that one run tells of every failure. */
  const table = (title: string, cases: readonly Case[]) =>
    step(`cinder: ${title}`, async () => {
      const failures: string[] = []
      for (const one of cases)
        await check(one).catch((error: unknown) =>
          failures.push(
            `${one.as ?? 'member'}: cinder ${one.run}: ${(error instanceof Error ? error.message : String(error)).slice(0, 600)}`,
          ),
        )
      if (failures.length > 0) throw new Error(failures.join('\n      '))
    })

  await table('volumes', volumeCases)
  await table('snapshots', snapshotCases)
  await table('backups and transfers', backupCases)
  await step('cinder: a volume of a server', async () => {
    await member.run(`server add volume ${n.server} ${n.volume}-c`)
    known.server = String((await member.json(`server show ${n.server}`)).id)
  })
  await table('attachments', attachmentCases)
  await table('images, readers and strangers', moreCases)
  await step('cinder: the image of a volume', () => member.run(`image delete ${n.volume}-c-image`))
  await table('types, QoS and encryption', typeCases)
  await table('groups', groupCases)
  await table('services and pools', serviceCases)
  await table('quotas and what lies in pools', administratorCases)
  await step('cinder: every command is in these tables', async () => {
    const { out } = await cinder.run('member', '3.70', 'help')
    const all = [...out.matchAll(/^ {4}([a-z][a-z-]+)/gm)].map(([, name]) => name)
    assert.ok(all.length >= 150, `only ${all.length} commands in: ${out.slice(0, 200)}`)
    assert.deepEqual(
      all.filter((name) => !used.has(name ?? '') && !['help', 'bash-completion'].includes(name ?? '')),
      [],
    )
  })
  await cinder.close()
}
