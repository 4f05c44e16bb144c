import fs from 'node:fs'
import path from 'node:path'
import { type Places, secret } from './paths.ts'

type User = 'admin' | 'demo'
/** The passwords of the users that the first start makes; `made`: this start has generated the password. */
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

/** Deletes generated passwords that are not right: the database had its users, with other passwords, before this folder. */
export function forgetWrong(where: Places, passwords: FirstPasswords, right: ReadonlySet<string>): void {
  for (const user of ['admin', 'demo'] as const)
    if (passwords[user].made && !right.has(user))
      fs.rmSync(path.join(where.secrets, nameOf(user)), { force: true })
}
