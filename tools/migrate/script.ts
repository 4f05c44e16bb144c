/** A statement of a migration with the comment lines right above it. */
export type Statement = { text: string; comments: string }

/** Splits SQL at semicolons at the ends of lines, outside of dollar quotes, as Prisma and we write them. */
export function statementsOf(sql: string): Statement[] {
  const found: Statement[] = []
  let comments: string[] = []
  let text: string[] = []
  let quoted = false
  for (const line of sql.split('\n')) {
    if (text.length === 0 && line.trim() === '') continue
    if (!quoted && line.trimStart().startsWith('--')) {
      if (text.length === 0) comments.push(line.trim())
      continue
    }
    text.push(line)
    if ((line.match(/\$\w*\$/g) ?? []).length % 2 === 1) quoted = !quoted
    if (quoted || !line.trimEnd().endsWith(';')) continue
    found.push({ text: text.join('\n'), comments: comments.join('\n') })
    text = []
    comments = []
  }
  if (text.length > 0) found.push({ text: text.join('\n'), comments: comments.join('\n') })
  return found
}

/** True for SQL that builds indexes concurrently, which cannot run inside of a transaction. */
export const isConcurrent = (sql: string): boolean =>
  statementsOf(sql).some(({ text }) => /\bINDEX\s+CONCURRENTLY\b/i.test(text))

/** The same SQL with plain index builds, for databases that nobody else uses (tests, a shadow database). */
export const atOnce = (sql: string): string => sql.replace(/\bINDEX\s+CONCURRENTLY\b/gi, 'INDEX')

/**
 * Splits the SQL of the schema engine: the indexes of existing tables go into a script of their own, which builds
 * them beside running requests.
 */
export function withoutIndexes(sql: string): { changes: string; indexes: string } {
  const statements = statementsOf(sql)
  const fresh = (text: string) => {
    const table = /\bON\s+("\w+")/.exec(text)?.[1]
    return table !== undefined && statements.some((one) => one.text.startsWith(`CREATE TABLE ${table}`))
  }
  const isIndex = ({ text }: Statement) => /^(CREATE (UNIQUE )?|DROP )INDEX /.test(text) && !fresh(text)
  const join = (some: Statement[]) =>
    some.map(({ text, comments }) => (comments ? `${comments}\n${text}\n` : `${text}\n`)).join('\n')
  // New indexes come first, so that at no moment both the old and the new one are missing.
  const indexes = [
    ...statements.filter((one) => isIndex(one) && one.text.startsWith('CREATE')),
    ...statements.filter((one) => isIndex(one) && one.text.startsWith('DROP')),
  ]
  return {
    changes: join(statements.filter((one) => !isIndex(one))),
    indexes: join(
      indexes.map(({ text, comments }) => ({
        comments,
        text: text.replace(/^(.*?)INDEX /, (_, what: string) =>
          what.startsWith('DROP')
            ? 'DROP INDEX CONCURRENTLY IF EXISTS '
            : `${what}INDEX CONCURRENTLY IF NOT EXISTS `,
        ),
      })),
    ),
  }
}
