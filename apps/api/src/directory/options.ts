import type { Prisma } from '@stratolith/db'
import { CloudError } from '../kernel/errors.ts'
import type { ResourceOptions } from './contract.ts'

type Row = { name: string; options: Prisma.JsonValue }
export const optionsOf = (row: Pick<Row, 'options'>) => row.options as ResourceOptions

/** Throws `forbidden` for an immutable thing, unless the change is what ends that. */
export function demandMutable(kind: string, row: Row, change: { options?: ResourceOptions } = {}): void {
  const asked = change.options?.immutable
  if (optionsOf(row).immutable === true && (asked === undefined || asked === true))
    throw new CloudError(
      'forbidden',
      `The ${kind} ${row.name} is immutable. Take its option “immutable” away first.`,
    )
}

/** What is kept after a change: each option named is set, null (or false) takes it away. */
export function mergedOptions(row: Pick<Row, 'options'>, change: ResourceOptions): Prisma.InputJsonObject {
  const merged = { ...optionsOf(row), ...change }
  return merged.immutable === true ? { immutable: true } : {}
}
