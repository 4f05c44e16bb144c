import assert from 'node:assert/strict'
import type { Row } from './client.ts'

/** Returns the value of the key; throws when the value is missing or empty. */
export function text(row: Row, key: string): string {
  const value = row[key]
  assert.ok(typeof value === 'string' && value !== '', `${key} of ${JSON.stringify(row).slice(0, 300)}`)
  return value
}

/** Throws when a given key does not have the given value. */
export function has(row: Row, wanted: Row): void {
  for (const [key, value] of Object.entries(wanted))
    assert.deepEqual(row[key], value, `${key} of ${JSON.stringify(row).slice(0, 400)}`)
}

/** Returns the row of a list with that value; throws when no row has it. */
export function row(rows: Row[], key: string, value: unknown): Row {
  const found = rows.find((r) => r[key] === value)
  assert.ok(found, `no row with ${key} ${value} in ${JSON.stringify(rows).slice(0, 400)}`)
  return found
}

export function without(rows: Row[], key: string, value: unknown): void {
  assert.ok(!rows.some((r) => r[key] === value), `a row with ${key} ${value} that should not be there`)
}
