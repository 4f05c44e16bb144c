import { isIP } from 'node:net'
import { readGuestUids } from '@stratolith/drivers/guest-uids'
import type { ZodType } from 'zod'
import { settingsSchema as ofAgent } from '../../apps/agent/src/config.ts'
import { settingsSchema as ofApi } from '../../apps/api/src/kernel/config.ts'
import { originOf } from '../../apps/console-proxy/src/config.ts'
import { isDatabaseUrl, nameOf } from './database.ts'
import { mayBe, ofTools } from './environment.ts'
import { nearest } from './nearest.ts'

/** The checks of settings that the schemas of agent and api do not have. */
const besides: Record<string, (value: string) => boolean> = {
  DATABASE_URL: (value) => value === '' || isDatabaseUrl(value),
  STRATOLITH_BIND: (value) => value === 'localhost' || isIP(value) !== 0,
  STRATOLITH_GUEST_UIDS: (value) => typeof readGuestUids(value) !== 'string',
  STRATOLITH_ORIGINS: (value) =>
    value.split(',').every((part) => part.trim() === '' || isOrigin(part.trim())),
  STRATOLITH_PUBLIC_URL: isOrigin,
}

/**
 * Throws one sentence for each wrong setting before anything is done: the process that reads the setting would
 * tell it a minute later, and again at each of its starts. Returns a sentence for each
 * name that is no setting.
 */
export function checkSettings(env: NodeJS.ProcessEnv): string[] {
  const wrong = Object.entries(mayBe).flatMap(([name, words]) => {
    const value = env[name]
    return value === undefined || isRight(name, value)
      ? []
      : `${name} is ${name === 'DATABASE_URL' ? withoutPassword(value) : `“${value}”`}. It may be ${words}.`
  })
  if (wrong.length > 0) throw new Error(wrong.join('\n'))
  return Object.keys(env).flatMap((name) => {
    if (!name.startsWith('STRATOLITH_') || name in mayBe || ofTools.includes(name)) return []
    const like = nearest(name, Object.keys(mayBe))
    return `${name} is no setting and does nothing${like ? `; did you mean ${like}?` : '.'}`
  })
}

function isRight(name: string, value: string): boolean {
  // An empty text would be parsed as the number 0.
  if (value.trim() === '' && ['STRATOLITH_DATA', 'STRATOLITH_PORT'].includes(name)) return false
  for (const { shape } of [ofAgent, ofApi]) {
    const schemas: Record<string, ZodType> = shape
    if (schemas[name]?.safeParse(value).success === false) return false
  }
  return besides[name]?.(value) ?? true
}

function isOrigin(text: string): boolean {
  try {
    return originOf(text) !== ''
  } catch {
    return false
  }
}

/** A URL without its password, for sentences. A malformed URL is not shown, because the password may be anywhere in it. */
const withoutPassword = (url: string) => (URL.canParse(url) ? `“${nameOf(url)}”` : 'no address')
