import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  type Caller,
  callerOf,
  callers,
  closeMatrix,
  contexts,
  kinds,
  openMatrix,
  world,
} from './authorization.testing.ts'
import type { Ctx } from './kernel/context.ts'
import type { ErrorCode } from './kernel/contract.ts'
import { inAudit } from './operations/audit.testing.ts'
import { rowsOfRooms } from './rooms.testing.ts'
import { appRouter } from './root-router.ts'

/**
 * The authorization matrix: every procedure × every kind of caller. A procedure without a row fails; each room has its
 * rows in its testing.room.ts. "ok" means that the caller is authorized; the call may still fail for another reason.
 */
beforeAll(openMatrix)
afterAll(closeMatrix)

const matrix = rowsOfRooms()

const procedures = Object.keys(appRouter._def.procedures)
/** For each procedure that changes something: whether the audit log has one of the calls. */
const audited = new Map<string, boolean>()
/** Procedures whose input in the matrix changes nothing: no document is due, the address is free already, the codes count only when confirmed. */
const changesNothing = ['hosts.tellNow', 'networking.floatingIps.associate', 'identity.secondFactor.begin']
const isChange = (path: string) =>
  !changesNothing.includes(path) &&
  (appRouter._def.procedures as unknown as Record<string, { _def: { type: string } }>)[path]?._def.type ===
    'mutation'

describe('authorization matrix', () => {
  test('every procedure has a row, and every row has a procedure', () => {
    expect(Object.keys(matrix).sort()).toEqual([...procedures].sort())
  })

  test.each(procedures.filter((path) => matrix[path] !== 'public'))('%s', async (path) => {
    const row = matrix[path]
    if (!row || row === 'public') throw new Error(`no row for ${path}`)
    const got: Partial<Record<Caller, string>> = {}
    const wanted: Partial<Record<Caller, string>> = {}
    for (const caller of callers) {
      const input = await row.input?.()
      const requestId = `req-${crypto.randomUUID()}`
      const ctx = contexts.get(caller) ?? null
      const answer = await codeOf(call(ctx && { ...ctx, requestId }, path, input))
      if (answer === 'done' && isChange(path) && !audited.get(path))
        audited.set(path, await inAudit(world.deps, requestId))
      const past = answer !== 'unauthenticated' && answer !== 'forbidden' && answer !== 'not_found'
      got[caller] = past ? 'ok' : answer
      wanted[caller] = row.except?.[caller] ?? kinds[row.kind][caller]
      expect(answer, `${path} as ${caller}: our own fault`).not.toBe('internal')
      if (!row.mayBeInvalid)
        expect(answer, `${path} as ${caller}: the row's input is wrong`).not.toBe('invalid_input')
    }
    expect(got).toEqual(wanted)
  })

  test('the audit log has every change', () => {
    expect([...audited].flatMap(([path, found]) => (found ? [] : [path]))).toEqual([])
    expect(audited.size).toBeGreaterThan(60)
  })
})

/** Calls a procedure by its path, as HTTP would. */
async function call(ctx: Ctx | null, path: string, input: unknown): Promise<unknown> {
  let at: unknown = callerOf(ctx)
  for (const part of path.split('.')) at = (at as Record<string, unknown>)[part]
  return (at as (input: unknown) => Promise<unknown>)(input)
}

async function codeOf(result: Promise<unknown>): Promise<ErrorCode | 'done'> {
  try {
    await result
    return 'done'
  } catch (error) {
    const cause = (error as { cause?: { code?: ErrorCode; name?: string } }).cause
    if (cause?.name === 'ZodError') return 'invalid_input'
    return cause?.code ?? 'internal'
  }
}
