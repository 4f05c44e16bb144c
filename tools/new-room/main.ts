/**
 * npm run new-room -- toy [toys] makes a complete room with one resource from the template beside this file: tables,
 * service, policy, procedures, OpenStack's door, portal, tests. It touches only the room's own folders and files,
 * the two lists of rooms, and the contents of the guide. It prints what is left to do.
 */
import fs from 'node:fs'
import path from 'node:path'

const root = process.env.STRATOLITH_TREE ?? path.resolve(import.meta.dirname, '../..')
const template = path.join(import.meta.dirname, 'template')
const [name = '', plural = `${name}s`] = process.argv.slice(2)
const word = /^[a-z][a-z0-9]{1,30}$/
if (!word.test(name) || !word.test(plural)) {
  console.error(
    'Usage: npm run new-room -- NAME [PLURAL], each of small letters: npm run new-room -- toy toys',
  )
  process.exit(2)
}
if (fs.existsSync(path.join(root, 'apps/api/src', name))) {
  console.error(`There is a folder apps/api/src/${name} already.`)
  process.exit(1)
}

const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1)
const named = (text: string) =>
  text
    .replaceAll(/toys/g, plural)
    .replaceAll(/Toys/g, capital(plural))
    .replaceAll(/toy/g, name)
    .replaceAll(/Toy/g, capital(name))
    .replaceAll('LOCK', String(lastLock() + 1))

for (const file of fs.readdirSync(template, { recursive: true, withFileTypes: true })) {
  if (!file.isFile()) continue
  const from = path.join(file.parentPath, file.name)
  const to = path.join(root, named(path.relative(template, from)).replace(/\.txt$/, ''))
  fs.mkdirSync(path.dirname(to), { recursive: true })
  fs.writeFileSync(to, named(fs.readFileSync(from, 'utf8')))
  console.log(`Wrote ${path.relative(root, to)}`)
}
enlist('apps/api/src/rooms.ts', /^export const rooms = \[\n/m)
enlist('apps/web/src/rooms.ts', /^export const rooms[^\n]*= \[\n/m)
linkGuide()
console.log(`
Now: npm run generate && npm run migrate create ${plural}, node tools/compat.ts, npx biome check --write .
Then say what it really is, in this order: prisma/schema/${name}.prisma, contract.ts, policy.ts, queries.ts, service.ts.`)

/** Adds the room at the end of a list, because a room stands after the rooms that it uses. */
function enlist(file: string, list: RegExp): void {
  const text = fs.readFileSync(path.join(root, file), 'utf8')
  const begin = list.exec(text)
  if (!begin) throw new Error(`${file} has no list of rooms any more`)
  const end = text.indexOf('\n]', begin.index)
  const entry = `${text.slice(0, end)}\n  ${name}Room,${text.slice(end)}`
  fs.writeFileSync(path.join(root, file), `import { ${name}Room } from './${name}/room.ts'\n${entry}`)
}

/** The last place in the order in which counters are locked; the new counter comes after it. */
function lastLock(): number {
  const rooms = fs.readdirSync(path.join(root, 'apps/api/src'))
  const texts = rooms.map((room) => path.join(root, 'apps/api/src', room, 'room.ts')).filter(fs.existsSync)
  const locks = texts.flatMap((file) =>
    [...fs.readFileSync(file, 'utf8').matchAll(/\block: (\d+)/g)].map(([, lock]) => Number(lock)),
  )
  return Math.max(0, ...locks)
}

/** A page of the guide is found from its contents. */
function linkGuide(): void {
  const file = path.join(root, 'docs/guide/README.md')
  const heading = '## In a project\n'
  const text = fs.readFileSync(file, 'utf8')
  if (!text.includes(heading))
    throw new Error('docs/guide/README.md has no list of what is in a project any more')
  fs.writeFileSync(file, text.replace(heading, `${heading}- [${capital(plural)}](${name}.md)\n`))
}
