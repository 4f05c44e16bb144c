import { execFile } from 'node:child_process'
import crypto from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { promisify } from 'node:util'
import { type Places, root } from './paths.ts'

const run = promisify(execFile)
const bin = (name: string) => path.join(root, 'node_modules/.bin', name)

/** Generates Prisma's client when prisma/schema has changed since. */
export async function generateClient(): Promise<string> {
  const hash = hashFiles([path.join(root, 'prisma/schema'), path.join(root, 'package-lock.json')])
  return onceFor(path.join(root, 'prisma/generated/.stamp'), hash, {
    work: () => node('tools/migrate.ts', ['generate']),
  })
}

/** Builds the portal when its sources, or the contracts and states that it shares with the api, have changed. */
export async function buildPortal(): Promise<string> {
  const shared = fs
    .globSync('apps/api/src/**/{contract,states}.ts', { cwd: root })
    .map((file) => path.join(root, file))
    .sort()
  const web = ['src', 'public', 'next.config.ts', 'package.json', 'postcss.config.mjs', 'tsconfig.json'].map(
    (name) => path.join(root, 'apps/web', name),
  )
  const hash = hashFiles([...web, ...shared, path.join(root, 'package-lock.json')])
  const built = path.join(root, 'apps/web/.next')
  const env = { NEXT_TELEMETRY_DISABLED: '1', TURBO_TELEMETRY_DISABLED: '1', DO_NOT_TRACK: '1' }
  const args = ['run', 'build', '--filter=@stratolith/web', '--output-logs=errors-only']
  // Next.js writes the file when everything else is there; a build that was killed leaves the folder without the file.
  return onceFor(path.join(built, '.stamp'), hash, {
    made: path.join(built, 'BUILD_ID'),
    work: () => run(bin('turbo'), args, { cwd: root, maxBuffer: 1 << 24, env: { ...process.env, ...env } }),
  })
}

/** Builds the tiny test image from Debian packages, once for each data folder. */
export async function buildTestImage(where: Places): Promise<string> {
  const script = path.join(root, 'tools/image/build-image.sh')
  const image = testImage(where)
  const build = async () => {
    const work = fs.mkdtempSync(path.join(where.cache, 'image-'))
    try {
      await run('bash', [script, `${image}.part`, work], { maxBuffer: 1 << 24 })
      fs.renameSync(`${image}.part`, image)
    } finally {
      fs.rmSync(work, { recursive: true, force: true })
    }
  }
  return onceFor(`${image}.stamp`, hashFiles([script]), { made: image, work: build })
}
export const testImage = (where: Places): string => path.join(where.cache, 'tiny.qcow2')

/**
 * Applies migrations, functions, triggers and indexes when this database lacks some. `again`: ignores the record of
 * applied ones, because another database may be at the same address by now.
 */
export async function migrate(
  databaseUrl: string,
  where: Places,
  { again = false }: { again?: boolean } = {},
): Promise<string> {
  const which = crypto.createHash('sha256').update(databaseUrl).digest('hex')
  const files = ['migrations', 'functions.sql', 'triggers.sql', 'indexes.sql', 'search-indexes.sql']
  const hash = hashFiles(files.map((name) => path.join(root, 'prisma', name))) + which
  const stamp = path.join(where.run, 'migrated')
  if (again) fs.rmSync(stamp, { force: true })
  return onceFor(stamp, hash, {
    work: () => node('tools/migrate.ts', ['deploy'], { DATABASE_URL: databaseUrl }),
  })
}

export async function node(script: string, args: string[], env: NodeJS.ProcessEnv = {}): Promise<string> {
  const { stdout } = await run(process.execPath, [path.join(root, script), ...args], {
    cwd: root,
    maxBuffer: 1 << 24,
    env: { ...process.env, ...env },
  })
  return stdout
}

/** Does `work` unless it was done for the same hash and the file `made`, which is its result, is still there. */
export async function onceFor(
  stamp: string,
  hash: string,
  { made, work }: { made?: string; work: () => Promise<unknown> },
): Promise<string> {
  const isMade = () => made === undefined || fs.existsSync(made)
  if (isMade() && fs.existsSync(stamp) && fs.readFileSync(stamp, 'utf8') === hash) return 'up to date'
  try {
    await work()
  } catch (error) {
    const { stderr, stdout } = error as { stderr?: string; stdout?: string }
    throw new Error(
      [
        error instanceof Error ? error.message.split('\n')[0] : String(error),
        `${stdout ?? ''}${stderr ?? ''}`.trim().split('\n').slice(-15).join('\n'),
      ].join('\n'),
    )
  }
  if (!isMade()) throw new Error(`${made} was not made. Run the command again.`)
  fs.mkdirSync(path.dirname(stamp), { recursive: true })
  fs.writeFileSync(stamp, hash)
  return 'done'
}

/** A SHA-256 over names and bytes of files and folders; missing ones are skipped. */
export function hashFiles(paths: readonly string[]): string {
  const hash = crypto.createHash('sha256')
  const visit = (file: string) => {
    const stat = fs.statSync(file, { throwIfNoEntry: false })
    if (!stat) return
    if (stat.isDirectory()) for (const name of fs.readdirSync(file).sort()) visit(path.join(file, name))
    else hash.update(path.relative(root, file)).update('\0').update(fs.readFileSync(file)).update('\0')
  }
  for (const file of paths) visit(file)
  return hash.digest('hex')
}
