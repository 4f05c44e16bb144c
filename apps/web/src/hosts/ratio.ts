/** The capacity that may be given out, divided by the machine's: "4:1" with overcommit, "0.9:1" with a reserve. */
export function ratioText(total: number, physical: number): string {
  if (physical <= 0) return 'unknown'
  const ratio = total / physical
  return `${ratio >= 10 ? Math.round(ratio) : Math.round(ratio * 10) / 10}:1`
}
