import { randomBytes } from 'node:crypto'

/** A new id in Keystone's form: 32 hexadecimal digits, from 128 random bits. */
export const newId = (): string => randomBytes(16).toString('hex')
