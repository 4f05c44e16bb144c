import fs from 'node:fs'
import path from 'node:path'
import { type Places, secret } from './paths.ts'

type User = 'admin' | 'demo'
/** Of the users that the first start makes; `made`: by this start. */
export type FirstPasswords = Record<User, { value: string; made: boolean }>

const random = () => Buffer.from(crypto.getRandomValues(new Uint8Array(12))).toString('base64url')
const nameOf = (user: User) => `${user}-password`

export function firstPasswords(where: Places): FirstPasswords {
  const of = (user: User) => {
    const made = !fs.existsSync(path.join(where.secrets, nameOf(user)))
    return { value: secret(where, nameOf(user), random), made }
  }
  return { admin: of('admin'), demo: of('demo') }
}

/** A database that had its users before this folder has passwords that nobody here knows. */
export function forgetWrong(where: Places, passwords: FirstPasswords, right: ReadonlySet<string>): void {
  for (const user of ['admin', 'demo'] as const)
    if (passwords[user].made && !right.has(user))
      fs.rmSync(path.join(where.secrets, nameOf(user)), { force: true })
}
