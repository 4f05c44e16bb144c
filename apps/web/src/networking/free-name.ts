/** Returns the name itself when no thing has it, else the name with the first free number: "web", "web-2", "web-3". */
export function freeName(base: string, taken: readonly string[]): string {
  const used = new Set(taken)
  if (!used.has(base)) return base
  let number = 2
  while (used.has(`${base}-${number}`)) number += 1
  return `${base}-${number}`
}
