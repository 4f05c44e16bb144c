/**
 * npm run bench [-- PART …] [--write]: measures a cloud on this machine, beside what the machine
 * itself needs for the same work ("floor"). TSV on stdout, progress on stderr; --write puts the table
 * into docs/benchmarks.md. Parts start, launch, memory, web, volumes, guest-io, backups and images share one real cloud, which is
 * destroyed in the end, also on failure. STRATOLITH_BENCH_DATA=DIR measures the running cloud of
 * that data folder instead (then the part start is left out).
 */
import fs from 'node:fs'
import path from 'node:path'
import { findCloud } from '../../e2e/support/cloud.ts'
import { root } from '../cloud/paths.ts'
import { backups } from './backups.ts'
import { facade } from './facade.ts'
import { fake } from './fake.ts'
import { guestIo } from './guest-io.ts'
import { images } from './images.ts'
import { launch } from './launch.ts'
import { filledCloud, list } from './list.ts'
import { machine } from './machine.ts'
import { memory } from './memory.ts'
import { network } from './network.ts'
import { type RealCloud, realCloud } from './real-cloud.ts'
import { type Figure, header, markdown, tsv } from './report.ts'
import { scale } from './scale.ts'
import { start } from './start.ts'
import { volumeLists } from './volume-lists.ts'
import { volumes } from './volumes.ts'
import { web } from './web.ts'

const real = ['start', 'launch', 'memory', 'web', 'volumes', 'guest-io', 'backups', 'images'] as const
const filled = { list, facade }
const known = [...real, 'network', 'fake', 'scale', 'volume-lists', ...Object.keys(filled)]
const words = process.argv.slice(2).filter((word) => word !== '--')
const wanted = words.filter((word) => !word.startsWith('--'))
const unknown = words.filter((word) => !known.includes(word) && word !== '--write')
if (unknown.length > 0) {
  console.error(`There is no part ${unknown.join(', ')}. Parts: ${known.join(', ')}; --write keeps the table`)
  process.exit(2)
}
const chosen = (part: string) => wanted.length === 0 || wanted.includes(part)

const figures: Figure[] = []
const failed: string[] = []
const report = (figure: Figure) => {
  figures.push(figure)
  console.log(tsv(figure))
}
console.error(machine())
console.log(header)
if (real.some(chosen)) await part('real cloud', measureReal)
if (chosen('network')) await part('network', () => network(report))
if (chosen('fake')) await part('fake', () => fake(report))
if (chosen('scale')) await part('scale', () => scale(report))
if (chosen('volume-lists')) await part('volume-lists', () => volumeLists(report))
const onFilled = Object.entries(filled).filter(([name]) => chosen(name))
if (onFilled.length > 0)
  await part(onFilled.map(([name]) => name).join(' and '), () =>
    filledCloud(
      report,
      onFilled.map(([, work]) => work),
    ),
  )
if (words.includes('--write') && failed.length === 0) write()
if (failed.length > 0) console.error(`Failed: ${failed.join(', ')}`)
process.exit(failed.length === 0 ? 0 : 1)

async function part(name: string, work: () => Promise<void>): Promise<void> {
  const started = Date.now()
  console.error(`… ${name}`)
  try {
    await work()
    console.error(`  ${name}: ${((Date.now() - started) / 1000).toFixed(0)} s`)
  } catch (error) {
    failed.push(name)
    console.error(`  ${name} failed: ${error instanceof Error ? error.stack : error}`)
  }
}

async function measureReal(): Promise<void> {
  const running = process.env.STRATOLITH_BENCH_DATA
  if (running) return measureRunning(findCloud(running))
  const own = await realCloud()
  const destroy = () => void own.destroy().finally(() => process.exit(1))
  process.once('SIGINT', destroy).once('SIGTERM', destroy)
  try {
    await measureOwn(own)
  } finally {
    process.off('SIGINT', destroy).off('SIGTERM', destroy)
    await own.destroy()
  }
}

async function measureOwn(own: RealCloud): Promise<void> {
  const first = await own.start()
  if (chosen('start')) await part('start', () => start(own, first, report))
  await measureRunning(own.cloud())
}

/** Measures a running cloud. Memory and pages are measured while a guest runs, if launches are measured, too. */
async function measureRunning(cloud: ReturnType<typeof findCloud>): Promise<void> {
  const look = async (instanceId: string | null) => {
    if (chosen('memory')) await part('memory', () => memory(cloud, report))
    if (chosen('web')) await part('web', () => web(cloud, report, instanceId))
    if (chosen('volumes')) await part('volumes', () => volumes(cloud, report, instanceId))
  }
  if (chosen('launch')) await part('launch', () => launch(cloud, report, look))
  else await look(null)
  if (chosen('guest-io')) await part('guest-io', () => guestIo(cloud, report))
  if (chosen('backups')) await part('backups', () => backups(cloud, report))
  if (chosen('images')) await part('images', () => images(cloud, report))
}

/** Writes the table between the marks of docs/benchmarks.md; the text around them stays. */
function write(): void {
  const file = path.join(root, 'docs/benchmarks.md')
  const [open, close] = ['<!-- table -->', '<!-- /table -->']
  const text = fs.readFileSync(file, 'utf8')
  const [from, to] = [text.indexOf(open), text.indexOf(close)]
  if (from < 0 || to < from) throw new Error(`${file} has no ${open} … ${close}.`)
  const table = `${open}\n\n${machine()}\n\n${markdown(figures)}\n\n`
  fs.writeFileSync(file, text.slice(0, from) + table + text.slice(to))
  console.error(`Written to ${path.relative(root, file)}.`)
}
