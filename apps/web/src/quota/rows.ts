import type { QuotaName } from '@stratolith/api/kernel/contract'
import type { QuotaPartView } from '@stratolith/api/quota/contract'
import type { QuotaWords } from '../kit/room.ts'
import { shellLine } from '../kit/shell.ts'
import { quotaOrder, quotaWords } from './words.ts'

/** A line of the tables of limits: a resource, or a part of one, such as the volumes of one type. */
export type LimitRow = QuotaWords & { name: QuotaName }

export const resourceRows: readonly LimitRow[] = quotaOrder.map((name) => ({ name, ...quotaWords[name] }))

/** “gold: Volumes” for each part, in the order of the names and of the resources. */
export const partRows = (parts: readonly QuotaPartView[]): LimitRow[] =>
  parts.map(({ name, of, part }) => ({
    ...quotaWords[of],
    name,
    label: `${part.name}: ${quotaWords[of].label}`,
  }))

type Changed = Partial<Record<QuotaName, number | null>>

/**
 * The stock client's commands for these changes: one for the resources, and one for each type. `whose`: the words at the
 * end; `usual`: the limit that null means.
 */
export function quotaCommands(
  changed: Changed,
  parts: readonly QuotaPartView[],
  { whose, usual }: { whose: readonly string[]; usual: (name: QuotaName) => number },
): string {
  const optionsOf = (rows: readonly LimitRow[]) =>
    rows.flatMap(({ name, option }) => {
      const limit = changed[name]
      return limit === undefined || option === undefined ? [] : [`--${option}`, limit ?? usual(name)]
    })
  const whole = optionsOf(resourceRows)
  const types = Map.groupBy(parts, ({ part }) => part.name)
  const lines = [...types].map(([type, its]) => ({ type, options: optionsOf(partRows(its)) }))
  const ofTypes = lines.filter(({ options }) => options.length > 0)
  const command = (...words: (string | number)[]) =>
    shellLine('openstack', 'quota', 'set', ...words, ...whose)
  return [
    ...(whole.length > 0 || ofTypes.length === 0 ? [command(...whole)] : []),
    ...ofTypes.map(({ type, options }) => command('--volume-type', type, ...options)),
  ].join('\n')
}
