import { execFileSync } from 'node:child_process'
import { root } from '../cloud/paths.ts'

/** The parts of e2e that are heavy and change rarely: `npm test` runs one of them, `npm run test:long` all. */
export const heavy = ['playbook', 'restore', 'new room'] as const
export type Heavy = (typeof heavy)[number]

/**
 * The heavy parts whose turn it is. The commit's hash decides, so that a second run of the same commit does the same, and
 * each part runs about equally often over the history.
 */
export function turn(commit: string, long: boolean): Heavy[] {
  if (long) return [...heavy]
  return heavy.filter((_, index) => index === Number.parseInt(commit.slice(0, 8), 16) % heavy.length)
}

/** The hash of the commit, or the day in a folder without a history. */
export function commitOrDay(): string {
  try {
    return execFileSync('git', ['rev-parse', 'HEAD'], { cwd: root, encoding: 'utf8', stdio: 'pipe' }).trim()
  } catch {
    return Math.floor(Date.now() / 86_400_000).toString(16)
  }
}
