import { spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'

const path = (file: string) => new URL(file, import.meta.url).href

/** Which of these packages a new process has loaded after it has loaded all rooms. */
const script = `
  import { registerHooks } from 'node:module'
  const seen = new Set()
  registerHooks({
    load(url, context, next) {
      seen.add(/node_modules\\/((?:@[^/]+\\/)?[^/]+)/.exec(url)?.[1])
      return next(url, context)
    },
  })
  await import('${path('../register.ts')}')
  console.log(JSON.stringify([...seen].filter(Boolean)))
  process.exit(0)
`

test('a process that only knows the rooms has not loaded the packages that it may never need', () => {
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    encoding: 'utf8',
    cwd: new URL('../..', import.meta.url).pathname,
  })
  const loaded: string[] = JSON.parse(stdout.trim() || `["nothing: ${stderr.slice(-300)}"]`)
  expect(loaded).toContain('zod')
  for (const name of ['sshpk', 'ldapts', 'yaml', 'rate-limiter-flexible'])
    expect(loaded, name).not.toContain(name)
})
