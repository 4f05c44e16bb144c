import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { kindNames } from '../apps/api/src/kernel/kinds.ts'
import { quotaResources } from '../apps/api/src/kernel/quota.ts'
import { workflowNames } from '../apps/api/src/kernel/workflow.ts'
import '../apps/api/src/register.ts'
import { rooms } from '../apps/api/src/rooms.ts'
import { appRouter, trpcSettings } from '../apps/api/src/root-router.ts'
import { batchSize } from '../apps/web/src/kit/batch.ts'
import { quotaOrder } from '../apps/web/src/quota/words.ts'
import { kinds } from '../apps/web/src/rooms.ts'
import { settings } from './cloud/environment.ts'
import { places } from './cloud/paths.ts'
import { environments } from './cloud/services.ts'
import { missingOf } from './rules/complete.ts'

const root = path.resolve(import.meta.dirname, '..')
const tracked = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
  cwd: root,
  encoding: 'utf8',
})
  .split('\n')
  .filter((file) => file !== '' && fs.existsSync(path.join(root, file)))
const source = tracked.filter((file) => /\.(ts|tsx|mjs)$/.test(file))
const read = (file: string) => fs.readFileSync(path.join(root, file), 'utf8')

/** Settings that only the worker and seed.ts get. */
const besides = ['STRATOLITH_HEALTH_SOCKET', 'STRATOLITH_ADMIN_PASSWORD', 'STRATOLITH_DEMO_PASSWORD']
const nobody = { name: '', uid: 1, gid: 1 }
const told = environments(
  {
    where: places({}),
    port: 1,
    bind: '',
    publicUrl: '',
    databaseUrl: '',
    host: '',
    mode: 'start',
  },
  { api: 1, web: 1, console: 1 },
  { api: nobody, web: nobody, console: nobody },
  { web: '', consoles: '', session: '', front: '' },
)

describe('repository rules', () => {
  test('the portal sends the largest batches that the API takes', () => {
    expect(batchSize).toBe(trpcSettings.maxBatchSize)
  })
  test('the list of files is not empty', () => {
    expect(source.length).toBeGreaterThan(50)
  })

  test('no file is over 500 lines', () => {
    expect(source.filter((file) => read(file).split('\n').length > 500)).toEqual([])
  })

  test('files are kebab-case, components PascalCase', () => {
    const wrong = source.filter((file) => {
      const name = path.basename(file).replace(/(\.[a-z0-9]+)+$/, '')
      if (file.startsWith('apps/web/src/app/')) return !/^(\[{1,2}[.\w-]+\]{1,2}|[a-z][a-z0-9-]*)$/.test(name)
      return file.endsWith('.tsx')
        ? !/^([A-Z][A-Za-z0-9]*|[a-z][a-z0-9-]*)$/.test(name)
        : !/^[a-z0-9][a-z0-9-]*$/.test(name)
    })
    expect(wrong).toEqual([])
  })

  test('no file has unfinished work or avoids the type checker', () => {
    const marks = [
      /\bTODO\b/,
      /\bFIXME\b(?!')/,
      /\.skip\(/,
      /\.only\(/,
      /\.todo\(/,
      /@ts-(ignore|nocheck|expect-error)/,
      /\bas any\b/,
      /shell:\s*true/,
      /dangerouslySetInnerHTML/,
    ]
    const found = source
      .filter((file) => file !== 'tools/repo.test.ts')
      .flatMap((file) => {
        const text = read(file)
        return marks.filter((mark) => mark.test(text)).map((mark) => `${file}: ${mark}`)
      })
    expect(found).toEqual([])
  })

  test('no file has an enum, namespace or parameter property (Node strips types and does not compile)', () => {
    const wrong = source.filter(
      (file) =>
        !file.endsWith('.mjs') &&
        /^\s*(export\s+)?(const\s+)?enum\s|constructor\([^)]*\b(private|public|readonly)\s/m.test(read(file)),
    )
    expect(wrong).toEqual([])
  })

  test('every room has all parts of a room', () => {
    expect(rooms.flatMap((room) => missingOf(room, tracked))).toEqual([])
  })

  test('a room with only a manifest is reported to lack all other parts', () => {
    const toy = { name: 'toy', kinds: {}, openstack: [] }
    expect(missingOf(toy, ['apps/api/src/toy/room.ts'])).toEqual([
      'toy: apps/api/src/toy/router.ts',
      'toy: apps/api/src/toy/testing.room.ts',
      'toy: prisma/schema/toy.prisma',
      'toy: apps/web/src/toy/room.ts',
      'toy: e2e/toy.e2e.ts',
      'toy: a contract.ts in apps/api/src/toy',
      'toy: a policy.ts in apps/api/src/toy',
      'toy: a test in apps/api/src/toy',
      'toy: pages in apps/web/src/toy',
      'toy: operations of OpenStack’s door in apps/api/src/toy',
    ])
  })

  test('every folder of a room is listed in rooms.ts', () => {
    const there = tracked.flatMap((file) => /^apps\/api\/src\/([a-z-]+)\/room\.ts$/.exec(file)?.[1] ?? [])
    expect(there.sort()).toEqual(rooms.map(({ name }) => name).sort())
  })

  test('the portal knows every kind and every quota resource', () => {
    expect(Object.keys(kinds).sort()).toEqual(kindNames().sort())
    expect(quotaOrder.toSorted()).toEqual(quotaResources().sort())
  })

  test('the queries that an event makes stale exist', () => {
    const procedures = Object.keys(appRouter._def.procedures)
    const keys = Object.values(kinds).flatMap(({ live }) => live)
    const reaches = (key: string) => procedures.some((path) => path === key || path.startsWith(`${key}.`))
    expect(keys.filter((key) => !reaches(key))).toEqual([])
  })

  test('every workflow has a test that fails each of its steps', () => {
    const tests = source
      .filter((file) => file.startsWith('apps/api/src/') && file.endsWith('.test.ts'))
      .map(read)
      .filter((text) => text.includes('failEveryStep('))
    const actions = workflowNames()
    expect(actions.length).toBeGreaterThan(20)
    expect(actions.filter((action) => !tests.some((text) => text.includes(`action: '${action}'`)))).toEqual(
      [],
    )
  })

  test('every code that the sources cite is defined in docs/security.md', () => {
    const places = new Set(
      [...read('docs/security.md').matchAll(/^(?:- \*\*|### |- )([RA]\d+(?:\.\d+)?)\b/gm)].map(
        ([, code]) => code,
      ),
    )
    const texts = tracked.filter(
      (file) => /\.(tsx?|mjs|md|sql|prisma)$/.test(file) && !file.startsWith('docs/openstack'),
    )
    const cited = texts.flatMap((file) =>
      [...read(file).matchAll(/\b(A[0-2]\d(?:\.\d+)?|R[1-9])\b(?=[\s).,:;’'"–]|$)/gm)].map(([, code]) => ({
        file,
        code,
      })),
    )
    expect(cited.length).toBeGreaterThan(100)
    expect(cited.filter(({ code }) => !places.has(code)).map(({ file, code }) => `${file}: ${code}`)).toEqual(
      [],
    )
  })

  test('no file refers to a place outside of the repository', () => {
    expect(
      source.filter((file) => file !== 'tools/repo.test.ts' && /\.\.\/shared\/|\/work\//.test(read(file))),
    ).toEqual([])
  })

  test.each([
    ['agent', ['apps/agent/src/', 'packages/drivers/src/']],
    ['api', ['apps/api/src/']],
    ['console-proxy', ['apps/console-proxy/src/']],
    ['web', ['apps/web/']],
  ] as const)('every setting that %s reads reaches it', (name, folders) => {
    const passed = [...Object.keys(told[name]), ...settings[name], ...besides]
    const missing = source
      .filter((file) => folders.some((folder) => file.startsWith(folder)) && !/\.test(ing)?\.ts$/.test(file))
      .flatMap((file) => [...read(file).matchAll(/\b(STRATOLITH|NEXTAUTH|DATABASE)_[A-Z_]*[A-Z]\b/g)])
      .flatMap(([word]) => (passed.includes(word) ? [] : [word]))
    expect([...new Set(missing)]).toEqual([])
  })

  test('each migration has a folder of its own, and the lock file says postgresql', () => {
    expect(read('prisma/migrations/migration_lock.toml')).toContain('postgresql')
  })
})
