/** Says how many codes are left, and what that means. */
export const leftText = (left: number): string =>
  left === 0
    ? 'You have no recovery codes left. Without your authenticator only an administrator lets you in.'
    : left === 1
      ? 'You have 1 recovery code left. Make new ones before it is used.'
      : `You have ${left} recovery codes left. Each signs you in once when your authenticator is lost.`

/** The text to print or to put into a password manager. */
export const recoveryFile = (user: string, host: string, codes: readonly string[]): string =>
  [
    `Recovery codes of ${user} at ${host}`,
    'Each signs you in once, in the place of the six digits of your authenticator.',
    '',
    ...codes,
    '',
  ].join('\n')
