/**
 * Runs playbooks with Ansible's modules openstack.cloud on a running cloud: declared resources are made; declaring
 * them again changes nothing (so the cloud answers with the values that were sent); removed resources are gone; and
 * removing them again changes nothing. Uses the cloud that STRATOLITH_DATA (or npm start's own place) names. Ends
 * with "N passed, N failed".
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { findCloud } from '../support/cloud.ts'
import { steps } from '../support/steps.ts'
import { ansibleModules } from './modules.ts'
import { play, type Task } from './playbook.ts'

const cloud = findCloud()
const work = fs.mkdtempSync(path.join(os.tmpdir(), 'stratolith-playbook-'))
const run = `play-${crypto.randomUUID().slice(0, 6)}`
const variables = path.join(work, 'variables.json')
const { step, end } = steps()
const started = Date.now()
let env: NodeJS.ProcessEnv = {}
let count = 0

await step('Ansible’s modules', async () => {
  env = environment(await ansibleModules())
  writeVariables()
})
await step('the first run makes what is declared', async () => {
  const tasks = await played(['directory', 'resources'])
  assert.ok(tasks.length >= 40, `${tasks.length} tasks`)
  assert.deepEqual(named(tasks, 'skipping'), [])
})
await step('the second run changes nothing', async () => {
  // The resources of the two playbooks no longer depend on each other, so both run at the same time.
  const tasks = (await Promise.all([played(['directory']), played(['resources'])])).flat()
  assert.deepEqual(changes(tasks), [])
})
await step('what a member declared is removed', async () => {
  assert.deepEqual(named(await played(['resources-absent']), 'ok'), ['server, looked for'])
})
await step('removed again, that changes nothing', async () => {
  assert.deepEqual(changes(await played(['resources-absent'])), [])
})
await step('what the administrator declared is removed', async () => {
  assert.deepEqual(named(await played(['directory-absent']), 'ok'), [])
})
await step('removed again, that changes nothing either', async () => {
  assert.deepEqual(changes(await played(['directory-absent'])), [])
})
fs.rmSync(work, { recursive: true, force: true })
console.log(`\n${count} tasks in ${Math.round((Date.now() - started) / 1000)} s`)
end()

async function played(names: string[]): Promise<Task[]> {
  const tasks = await play(names, env, variables)
  count += tasks.length
  return tasks
}

function named(tasks: Task[], outcome: Task['outcome']): string[] {
  return tasks.filter((task) => task.outcome === outcome).map((task) => task.name)
}

/** The tasks that changed something, each with the output of its module. */
function changes(tasks: Task[]): string[] {
  return tasks
    .filter((task) => task.outcome === 'changed')
    .map((task) => `${task.name}${task.said.slice(0, 800)}`)
}

function environment(modules: string): NodeJS.ProcessEnv {
  return {
    PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
    HOME: work,
    LC_ALL: 'C.UTF-8',
    PYTHONPATH: modules,
    ANSIBLE_COLLECTIONS_PATH: modules,
    ANSIBLE_PIPELINING: '1',
    ANSIBLE_NOCOLOR: '1',
    ANSIBLE_RETRY_FILES_ENABLED: '0',
  }
}

/** Writes the variables by which the playbooks know this cloud and this run. */
function writeVariables(): void {
  const person = (username: string, password: string, project: string) => ({
    auth_url: `${cloud.url}/identity/v3`,
    username,
    password,
    project_name: project,
    user_domain_name: 'Default',
    project_domain_name: 'Default',
  })
  const key = path.join(work, 'key')
  execFileSync('ssh-keygen', [
    '-q',
    '-t',
    'ed25519',
    '-N',
    '',
    '-C',
    'someone@somewhere  two words',
    '-f',
    key,
  ])
  const image = path.join(work, 'image.raw')
  fs.writeFileSync(image, crypto.getRandomValues(new Uint8Array(60_000)))
  const values = {
    run,
    administrator: person('admin', cloud.password('admin'), 'admin'),
    member: person(`${run}-user`, `pw-${crypto.randomUUID()}`, run),
    boot_image: 'Tiny test image',
    key_file: `${key}.pub`,
    image_file: image,
    // Debian's Python, because the packages are Debian's; a machine may have another Python earlier in its PATH.
    ansible_python_interpreter: '/usr/bin/python3',
  }
  fs.writeFileSync(variables, JSON.stringify(values), { mode: 0o600 })
}
