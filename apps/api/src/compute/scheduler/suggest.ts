import { diskText, memoryText, vcpuText } from '../../kernel/amounts.ts'
import { amounts, type Candidate, fits, freeOf, type Need, place } from './judge.ts'

export type Size = Need & { name: string }

/**
 * Returns the smallest change with which `count` instances of `need` would fit, as one sentence. Tries, in this order:
 * fewer instances, the next smaller flavor, and the room that is missing on the closest host. `flavors` are those that
 * the caller may use and that the image fits into.
 */
export function suggest(
  hosts: readonly Candidate[],
  need: Need,
  count: number,
  flavors: readonly Size[],
): string | null {
  const placed = place(hosts, need, count).hosts.length
  if (placed >= count) return null
  if (placed > 0) return `There is room for ${placed} of the ${count}: launch ${placed} now.`
  const smaller = largestThatFits(hosts, need, flavors)
  if (smaller)
    return `Choose ${smaller.name} (${vcpuText(smaller.vcpus)}, ${memoryText(smaller.memoryMib)}, ${diskText(smaller.diskGib)}): it fits now.`
  return missing(hosts, need)
}

function largestThatFits(hosts: readonly Candidate[], need: Need, flavors: readonly Size[]): Size | null {
  const fitting = flavors.filter(
    (flavor) =>
      amounts.every((amount) => flavor[amount] <= need[amount]) &&
      amounts.some((amount) => flavor[amount] < need[amount]) &&
      hosts.some((host) => fits(host, flavor)),
  )
  const share = (flavor: Size) =>
    amounts.reduce((sum, amount) => sum + flavor[amount] / Math.max(need[amount], 1), 0)
  return fitting.sort((a, b) => share(b) - share(a))[0] ?? null
}

/** Returns what must become free on the host that is closest to fitting, or the reason that excludes every host. */
function missing(hosts: readonly Candidate[], need: Need): string {
  if (hosts.length === 0) return 'Ask an administrator to add a host: this cloud has none yet.'
  const usable = hosts.filter((host) => host.state === 'up' && host.enabled)
  if (usable.length === 0)
    return hosts.some((host) => host.enabled)
      ? 'Wait until a host answers again, or ask an administrator.'
      : 'Ask an administrator to enable a host: all are disabled.'
  const big = usable.filter((host) => amounts.every((amount) => host[amount].total >= need[amount]))
  if (big.length === 0) return 'No host is large enough even when empty: choose a smaller flavor.'
  const gaps = big.map((host) => amounts.map((amount) => Math.max(0, need[amount] - freeOf(host, amount))))
  const size = (gap: number[]) =>
    gap.reduce((sum, value, i) => sum + value / Math.max(need[amounts[i] ?? 'vcpus'], 1), 0)
  const [vcpus = 0, memory = 0, disk = 0] = gaps.sort((a, b) => size(a) - size(b))[0] ?? []
  const parts = [
    vcpus > 0 ? vcpuText(vcpus) : '',
    memory > 0 ? `${memoryText(memory)} of memory` : '',
    disk > 0 ? `${diskText(disk)} of disk` : '',
  ].filter(Boolean)
  return `Delete instances that hold ${parts.join(' and ')} on one host, or choose a smaller flavor.`
}
