import { isConcurrent, statementsOf } from './script.ts'

/**
 * The faults of a migration. While the previous version still runs, a migration must not hold a lock on an existing
 * table for a time that grows with the table, and must not remove anything that this version uses. Tables
 * that the same file creates are free. A comment right above a statement allows it:
 * `-- contract: why nothing uses it any more`, `-- small: why this table never gets big`.
 */
export function faultsOf(sql: string): string[] {
  const statements = statementsOf(sql)
  const fresh = new Set(
    statements.flatMap(({ text }) => tableIn(text, /^\s*CREATE\s+TABLE\s+(?:IF NOT EXISTS\s+)?/i)),
  )
  const concurrent = isConcurrent(sql)
  return statements.flatMap(({ text, comments }) => {
    const table = tableOf(text)
    const found = [
      ...(table !== null && fresh.has(table) ? [] : rules.filter((rule) => rule.breaks(text))),
      ...(concurrent && !/\bINDEX\s+CONCURRENTLY\s+IF (NOT )?EXISTS\b/i.test(text) ? [onlyIndexes] : []),
    ]
    return found
      .filter(({ word }) => word === null || !new RegExp(`^-- ${word}: \\S`, 'm').test(comments))
      .map(({ says }) => `${text.trim().split('\n')[0]}: ${says}`)
  })
}

type Rule = { word: 'contract' | 'small' | null; says: string; breaks(text: string): boolean }

const onlyIndexes: Rule = {
  word: null,
  says: 'a file that builds indexes CONCURRENTLY holds nothing else, each IF [NOT] EXISTS: it is no transaction and runs again when it was cut off',
  breaks: () => true,
}
const alter = (text: string) => /^\s*ALTER\s+TABLE\b/i.test(text)
const any =
  (...patterns: RegExp[]) =>
  (text: string) =>
    patterns.some((pattern) => pattern.test(text))
/** The changes that an ALTER TABLE lists. */
const changes = (text: string) =>
  alter(text) ? text.split(/,\s*\n|,\s*(?=(?:ADD|DROP|ALTER|RENAME)\s)/i) : []

const rules: readonly Rule[] = [
  {
    word: 'small',
    says: 'CREATE INDEX CONCURRENTLY IF NOT EXISTS, in a file of its own (npm run migrate create writes it so)',
    breaks: (text) => /^\s*CREATE\s+(UNIQUE\s+)?INDEX\b(?!\s+CONCURRENTLY)/i.test(text),
  },
  {
    word: 'small',
    says: 'DROP INDEX CONCURRENTLY IF EXISTS, in a file of its own',
    breaks: (text) => /^\s*DROP\s+INDEX\b(?!\s+CONCURRENTLY)/i.test(text),
  },
  {
    word: 'small',
    says: 'ADD COLUMN without NOT NULL, or with a DEFAULT: rows that are there have no value, and the version before writes none',
    breaks: (text) =>
      changes(text).some(
        (one) => /\bADD\s+COLUMN\b[\s\S]*\bNOT\s+NULL\b/i.test(one) && !/\bDEFAULT\b/i.test(one),
      ),
  },
  {
    word: 'small',
    says: 'a DEFAULT that is computed writes the whole table anew: add the column with a constant, set this default after',
    breaks: (text) =>
      changes(text).some((one) =>
        /\bADD\s+COLUMN\b[\s\S]*\bDEFAULT\s+(?!CURRENT_TIMESTAMP\b|now\(\))\(*[a-z_][\w.]*\(/i.test(one),
      ),
  },
  {
    word: 'small',
    says: 'ADD CONSTRAINT … NOT VALID, and VALIDATE CONSTRAINT in the next migration',
    breaks: (text) =>
      changes(text).some(
        (one) => /\bADD\s+CONSTRAINT\b/i.test(one) && !/\bNOT\s+VALID\b|\bUSING\s+INDEX\b/i.test(one),
      ),
  },
  {
    word: 'small',
    says: 'SET NOT NULL reads the whole table under a lock: add a CHECK … NOT VALID and validate it before',
    breaks: (text) => alter(text) && /\bSET\s+NOT\s+NULL\b/i.test(text),
  },
  {
    word: 'small',
    says: 'rows are changed in small batches by the program (kernel/retention.ts shows how), not by one statement',
    breaks: any(/^\s*(UPDATE|DELETE)\b/i, /^\s*WITH\b[\s\S]*\b(UPDATE|DELETE)\b/i),
  },
  {
    word: 'contract',
    says: 'first a version that does without it, then this (expand and contract)',
    breaks: (text) =>
      /^\s*DROP\s+TABLE\b/i.test(text) ||
      (alter(text) && any(/\bDROP\s+COLUMN\b/i, /\bRENAME\b/i, /\b(SET\s+DATA\s+)?TYPE\s/i)(text)),
  },
]

function tableIn(text: string, before: RegExp): string[] {
  const match = before.exec(text)
  const name = match && /^"?(\w+)"?/.exec(text.slice(match[0].length))?.[1]
  return name ? [name] : []
}
function tableOf(text: string): string | null {
  const [name] = [
    ...tableIn(text, /^\s*ALTER\s+TABLE\s+(?:IF EXISTS\s+)?(?:ONLY\s+)?/i),
    ...tableIn(text, /^\s*CREATE\s+(?:UNIQUE\s+)?INDEX\b[\s\S]*?\bON\s+/i),
    ...tableIn(text, /^\s*(?:UPDATE|DELETE\s+FROM|DROP\s+TABLE)\s+(?:IF EXISTS\s+)?/i),
  ]
  return name ?? null
}
