import { execFileSync } from 'node:child_process'
import { root } from '../cloud/paths.ts'

/** The parts of e2e that are heavy and change rarely: `npm test` runs one of them, `npm run test:long` all. */
export const heavy = ['playbook', 'restore', 'new room'] as const
export type Heavy = (typeof heavy)[number]
/** `npm test` looks at one of so many shares of the portal's routes with axe, `npm run test:long` at all routes. */
export const shares = 5

/** The number that chooses whose turn it is: a second run of the same commit does the same. */
const chance = (commit: string): number => Number.parseInt(commit.slice(0, 8), 16)

/** The heavy parts whose turn it is. Each part runs about equally often over the history. */
export function turn(commit: string, long: boolean): Heavy[] {
  if (long) return [...heavy]
  return heavy.filter((_, index) => index === chance(commit) % heavy.length)
}

/** The share of the routes whose turn it is, such as `2/5`, as e2e/support/share.ts reads it. */
export const routesShare = (commit: string, long: boolean): string =>
  long ? '1/1' : `${(chance(commit) % shares) + 1}/${shares}`

/** The hash of the commit, or the day in a folder without a history. */
export function commitOrDay(): string {
  try {
    return execFileSync('git', ['rev-parse', 'HEAD'], { cwd: root, encoding: 'utf8', stdio: 'pipe' }).trim()
  } catch {
    return Math.floor(Date.now() / 86_400_000).toString(16)
  }
}
