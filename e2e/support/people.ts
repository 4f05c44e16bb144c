import { execFile } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { promisify } from 'node:util'
import type { Cloud } from './cloud.ts'

const run = promisify(execFile)
export type Person = { name: string; password: string; project: string }

/**
 * A member of a new project, made through the identity room's own services with the database of
 * the running cloud: there is no API for it yet.
 */
export async function newPerson(cloud: Cloud): Promise<Person> {
  const tag = crypto.randomUUID().slice(0, 8)
  const person = { name: `guest-${tag}`, password: `pw-${crypto.randomUUID()}`, project: `project-${tag}` }
  const script = path.join(import.meta.dirname, 'make-person.ts')
  await run(process.execPath, [script, JSON.stringify(person)], { env: apiEnvironment(cloud) })
  return person
}

/** The environment in which the cloud's API runs, from the process itself (we are its user). */
function apiEnvironment(cloud: Cloud): NodeJS.ProcessEnv {
  const services: Record<string, { pid: number }> = JSON.parse(
    fs.readFileSync(path.join(cloud.data, 'run/services.json'), 'utf8'),
  )
  const pid = services.api?.pid ?? 0
  const entries = fs.readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').filter(Boolean)
  return Object.fromEntries(
    entries.map((entry) => [entry.slice(0, entry.indexOf('=')), entry.slice(entry.indexOf('=') + 1)]),
  )
}
