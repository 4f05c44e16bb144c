/** Returns 32 hexadecimal digits. Unlike crypto.randomUUID this also works on a page that is served without TLS. */
export const randomToken = (): string =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join(
    '',
  )
