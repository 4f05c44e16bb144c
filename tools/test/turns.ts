import { execFileSync } from 'node:child_process'
import { root } from '../cloud/paths.ts'

/** Parts of e2e that are heavy by nature and change rarely: `npm test` does one of them, `npm run test:long` all. */
export const heavy = ['playbook', 'restore', 'new room'] as const
export type Heavy = (typeof heavy)[number]

/**
 * Those whose turn it is. The commit decides, so that a second run of the same commit does the same, and whoever
 * follows the history finds each of them about equally often.
 */
export function turn(commit: string, long: boolean): Heavy[] {
  if (long) return [...heavy]
  return heavy.filter((_, index) => index === Number.parseInt(commit.slice(0, 8), 16) % heavy.length)
}

/** Of a folder without a history the day decides. */
export function commitOrDay(): string {
  try {
    return execFileSync('git', ['rev-parse', 'HEAD'], { cwd: root, encoding: 'utf8', stdio: 'pipe' }).trim()
  } catch {
    return Math.floor(Date.now() / 86_400_000).toString(16)
  }
}
