import { spawn } from 'node:child_process'
import path from 'node:path'

/** What a task of a playbook came to, with the whole of what its module said. */
export type Task = { name: string; outcome: 'ok' | 'changed' | 'skipping' | 'fatal'; said: string }

/** Runs playbooks of this folder in one process. Fails with what the failed task said. */
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

/** From the lines that Ansible prints at -v: a heading for each task, and below it an outcome. */
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
