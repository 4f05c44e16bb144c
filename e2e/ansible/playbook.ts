import { spawn } from 'node:child_process'
import path from 'node:path'

/** The outcome of a task of a playbook, with the whole output of its module. */
export type Task = { name: string; outcome: 'ok' | 'changed' | 'skipping' | 'fatal'; said: string }

/** Runs playbooks of this folder in one process. Throws with the output of the failed task. */
export async function play(names: string[], env: NodeJS.ProcessEnv, variables: string): Promise<Task[]> {
  const files = names.map((name) => path.join(import.meta.dirname, `${name}.yml`))
  const args = ['-v', '-i', 'localhost,', '-c', 'local', '-e', `@${variables}`, ...files]
  const { code, out, err } = await output(args, env, path.dirname(variables))
  const tasks = tasksOf(out)
  const failed = tasks.find((task) => task.outcome === 'fatal')
  if (failed) throw new Error(`task “${failed.name}”: ${failed.said.slice(0, 1_500)}`)
  if (code !== 0) throw new Error(`ansible-playbook ended with ${code}: ${(err || out).slice(-1_500)}`)
  return tasks
}

/** Parses the output of Ansible with -v: a heading for each task, and below it the outcome. */
export function tasksOf(out: string): Task[] {
  const tasks: Task[] = []
  let name = ''
  for (const line of out.split('\n')) {
    const heading = /^TASK \[(.*)\] \**$/.exec(line)
    if (heading) name = heading[1] ?? ''
    const outcome = /^(ok|changed|skipping|fatal): \[localhost\](.*)$/.exec(line)
    if (outcome) tasks.push({ name, outcome: outcome[1] as Task['outcome'], said: outcome[2] ?? '' })
  }
  return tasks
}

function output(
  args: string[],
  env: NodeJS.ProcessEnv,
  cwd: string,
): Promise<{ code: number | null; out: string; err: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn('/usr/bin/ansible-playbook', args, { env, cwd, stdio: ['ignore', 'pipe', 'pipe'] })
    let [out, err] = ['', '']
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      out += text
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      err += text
    })
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, out, err }))
  })
}
