import type { Row } from './authorization.testing.ts'
import type { testTenant, World } from './compute/testing.ts'
import type { QuotaResource } from './kernel/contract.ts'
import type { ExampleMaker, Examples } from './openstack/testing.ts'
import { rooms } from './rooms.ts'

/** The part of a room's testing.room.ts for the tests of every procedure and every operation. */
export type TestingRoom = {
  /** The rows of the authorization matrix, by the procedure's name within the room. */
  rows: Record<string, Row | 'public'>
  /** Requests that succeed, by their façade. */
  examples?: Record<string, Examples>
  /** How things of the room's quota resources are made. */
  quota?: Partial<Record<QuotaResource, QuotaMaker>>
}

/** Makes one more thing of a quota resource, the `i`th of a hundred at once. */
export type QuotaMaker = {
  prepare?: (ctx: QuotaTenant) => Promise<string>
  make: (ctx: QuotaTenant, i: number, prepared: string, world: World) => Promise<unknown>
}
type QuotaTenant = Awaited<ReturnType<typeof testTenant>>

const said: (readonly [string, TestingRoom])[] = []
for (const { name } of rooms) {
  const { testingRoom } = (await import(`./${name}/testing.room.ts`)) as { testingRoom: TestingRoom }
  said.push([name, testingRoom])
}

/** The rows of all rooms by "room.procedure". */
export const rowsOfRooms = (): Record<string, Row | 'public'> =>
  Object.fromEntries(
    said.flatMap(([room, { rows }]) =>
      Object.entries(rows).map(([procedure, row]) => [`${room}.${procedure}`, row]),
    ),
  )

/** The examples of all rooms by "service:operation", for the matrix and the fuzz. */
export const examples: Record<string, ExampleMaker> = Object.fromEntries(
  said.flatMap(([, room]) =>
    Object.entries(room.examples ?? {}).flatMap(([service, of]) =>
      Object.entries(of).map(([name, maker]) => [`${service}:${name}`, maker]),
    ),
  ),
)

/** The makers of all rooms by quota resource. */
export const quotaMakers: Partial<Record<QuotaResource, QuotaMaker>> = Object.assign(
  {},
  ...said.map(([, room]) => room.quota),
)
