/** What a refused sign-in asks for next: a code of the app, a new password, or neither. */
export type SignInAnswer = { asks: 'code' | 'password' | null; message: string }

const asked = ['code', 'password'] as const

/** Puts both into one text, because next-auth passes only a text from its server side to the form. */
export const signInAnswer = (field: string | null, message: string): string =>
  asked.some((one) => one === field) ? `${field}|${message}` : message

export function readSignInAnswer(text: string): SignInAnswer {
  const asks = asked.find((one) => text.startsWith(`${one}|`)) ?? null
  return { asks, message: asks === null ? text : text.slice(asks.length + 1) }
}

/**
 * The same sentence for every wrong input and for the right password of an account that must wait, so that nobody
 * learns which it was.
 */
export const wrongSignIn =
  'The user name or the password is wrong, or there were several failures: then wait a few minutes.'
