/** Amounts in sentences, written as the columns of the portal write them (kit/format.ts of the portal). */
const units = ['MiB', 'GiB', 'TiB', 'PiB'] as const
export type SizeUnit = Extract<(typeof units)[number], 'MiB' | 'GiB'>

/** Writes an amount: “196 MiB”, “1.5 GiB”, “2 vCPU”. */
export type Amounts = (amount: number) => string

/** Makes the words for sizes that are counted in this unit: a larger unit from 1024 on, with at most one decimal. */
export const sizeIn =
  (unit: SizeUnit): Amounts =>
  (amount) => {
    let value = amount
    let at = units.indexOf(unit)
    while (value >= 1024 && at < units.length - 1) {
      value /= 1024
      at += 1
    }
    return `${value.toLocaleString('en', { maximumFractionDigits: value < 100 ? 1 : 0 })} ${units[at]}`
  }
export const memoryText = sizeIn('MiB')
export const diskText = sizeIn('GiB')
/** vCPUs behind a number, as a unit. */
export const vcpuText: Amounts = (amount) => `${amount} vCPU`

/** “3.8 of 4 GiB”, “512 MiB of 4 GiB”: a unit that both amounts have is written once. */
export function partText(part: number, whole: number, text: Amounts): string {
  const [first, second] = [text(part), text(whole)]
  const unit = second.slice(second.indexOf(' '))
  return `${second.includes(' ') && first.endsWith(unit) ? first.slice(0, -unit.length) : first} of ${second}`
}
