/** Returns "10.0.0.2 – 10.0.0.254", or two ranges around a gateway in the middle. */
export const poolsText = (pools: readonly { start: string; end: string }[]): string =>
  pools.map(({ start, end }) => (start === end ? start : `${start} – ${end}`)).join(', ') || 'None'
