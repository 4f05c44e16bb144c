/** What a refused sign-in wants next: a code of the app, a new password, or nothing but better input. */
export type SignInAnswer = { asks: 'code' | 'password' | null; message: string }

const asked = ['code', 'password'] as const

/** next-auth carries one text from its server side to the form. */
export const signInAnswer = (field: string | null, message: string): string =>
  asked.some((one) => one === field) ? `${field}|${message}` : message

export function readSignInAnswer(text: string): SignInAnswer {
  const asks = asked.find((one) => text.startsWith(`${one}|`)) ?? null
  return { asks, message: asks === null ? text : text.slice(asks.length + 1) }
}

/** The same for whatever is wrong, and for the right password while somebody has to wait: nobody learns which. */
export const wrongSignIn =
  'The user name or the password is wrong, or there were several failures: then wait a few minutes.'
