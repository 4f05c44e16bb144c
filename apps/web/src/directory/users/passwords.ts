import type { PasswordRules } from '@stratolith/api/identity/contract'

/** The alphabet leaves out characters that look alike. */
const alphabet = 'abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789-_'

/** A password of 20 characters, or of as many as are needed, each from an alphabet of 58 characters: above 110 bits. */
export function newPassword(minLength: number): string {
  const length = Math.max(20, minLength)
  let text = ''
  // Bytes above the last whole multiple of the alphabet's length would make its first characters likelier.
  const bound = 256 - (256 % alphabet.length)
  while (text.length < length)
    for (const byte of crypto.getRandomValues(new Uint8Array(length)))
      if (byte < bound && text.length < length) text += alphabet[byte % alphabet.length]
  return text
}

/** For example "At least 8 characters; not one of the last 3; expires after 90 days." */
export function rulesInWords({ minLength, history, lifetimeDays }: PasswordRules): string {
  const parts = [
    minLength > 1 ? `at least ${minLength} characters` : '',
    history === 1 ? 'not the one before' : history > 1 ? `not one of the last ${history}` : '',
    lifetimeDays > 0 ? `expires after ${lifetimeDays} days` : '',
  ].filter(Boolean)
  const text = parts.join('; ')
  return text ? `${text.charAt(0).toUpperCase()}${text.slice(1)}.` : 'Long is better than strange.'
}
