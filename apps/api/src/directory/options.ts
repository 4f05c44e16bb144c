import type { Prisma } from '@stratolith/db'
import { CloudError } from '../kernel/errors.ts'
import type { ResourceOptions } from './contract.ts'

type Row = { name: string; options: Prisma.JsonValue }
export const optionsOf = (row: Pick<Row, 'options'>) => row.options as ResourceOptions

/** Throws `forbidden` for a change of an immutable thing, unless the change turns the option off. */
export function demandMutable(kind: string, row: Row, change: { options?: ResourceOptions } = {}): void {
  const asked = change.options?.immutable
  if (optionsOf(row).immutable === true && (asked === undefined || asked === true))
    throw new CloudError(
      'forbidden',
      `The ${kind} ${row.name} is immutable. Take its option “immutable” away first.`,
    )
}

/** The options after a change: options that the change names are set; null or false removes them. */
export function mergedOptions(row: Pick<Row, 'options'>, change: ResourceOptions): Prisma.InputJsonObject {
  const merged = { ...optionsOf(row), ...change }
  return merged.immutable === true ? { immutable: true } : {}
}
