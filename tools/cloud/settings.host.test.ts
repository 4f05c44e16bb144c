import { expect, test } from 'vitest'
import { keptDatabase } from './destroy.ts'
import { mayBe, settings } from './environment.ts'
import { readFlags } from './flags.ts'
import { checkSettings } from './settings.ts'

test('all wrong settings are named at once, each with its value and the allowed values', () => {
  const wrong = {
    DATABASE_URL: 'mysql://me:secret@here/x',
    STRATOLITH_BIND: 'everywhere',
    STRATOLITH_DATA: '',
    STRATOLITH_EGRESS: 'maybe',
    STRATOLITH_GUEST_DENY: 'all',
    STRATOLITH_GUEST_UIDS: '1-2',
    STRATOLITH_KEEP_UNKNOWN_DAYS: 'x',
    STRATOLITH_ORIGINS: 'https://here, there',
    STRATOLITH_PASSWORD_PATTERN: '(',
    STRATOLITH_PORT: '',
    STRATOLITH_PUBLIC_URL: 'ftp://here',
  }
  let said = ''
  try {
    checkSettings(wrong)
  } catch (error) {
    said = (error as Error).message
  }
  const lines = said.split('\n')
  expect(lines.map((line) => line.split(' ')[0])).toEqual(Object.keys(wrong))
  expect(lines).toContain('STRATOLITH_EGRESS is “maybe”. It may be auto, on or off.')
  expect(lines).toContain('STRATOLITH_KEEP_UNKNOWN_DAYS is “x”. It may be a number of days from 0 to 3650.')
  expect(lines[0]).toMatch(/^DATABASE_URL is “mysql:\/\/me@here\/x”\. It may be .*postgresql:/)
})

test('right settings pass, and an unknown name is told together with the most similar setting', () => {
  const right = {
    DATABASE_URL: '',
    STRATOLITH_BIND: '::',
    STRATOLITH_EGRESS: 'off',
    STRATOLITH_GUEST_DENY: 'connected,10.0.0.0/8',
    STRATOLITH_PUBLIC_URL: 'https://cloud.example.org/',
    STRATOLITH_TRUSTED_PROXIES: '',
    STRATOLITH_STARTED_AT: '1',
  }
  expect(checkSettings(right)).toEqual([])
  const like = (name: string) => checkSettings({ [name]: 'x' }).join()
  expect(like('STRATOLITH_URL')).toBe(
    'STRATOLITH_URL is no setting and does nothing; did you mean STRATOLITH_PUBLIC_URL?',
  )
  expect(like('STRATOLITH_EGRES')).toMatch(/STRATOLITH_EGRESS\?$/)
  expect(like('STRATOLITH_DATABASE_URL')).toMatch(/mean DATABASE_URL\?$/)
  expect(like('STRATOLITH_KEEP_EVENT_DAYS')).toMatch(/STRATOLITH_KEEP_EVENTS_DAYS\?$/)
})

test('every setting of a process has a sentence about its values', () => {
  expect(
    Object.values(settings)
      .flat()
      .filter((name) => !(name in mayBe)),
  ).toEqual([])
})

test('an unknown flag, a missing value and a superfluous value are refused', () => {
  const read = (...args: string[]) =>
    readFlags('npm run it -- FOLDER [--at TIME] [--yes]', args, { at: 'string', yes: 'boolean' })
  expect(read('/x', '--yes', '--at', 'now')).toEqual({ values: { yes: true, at: 'now' }, words: ['/x'] })
  expect(() => read('--yess')).toThrow(
    'There is no flag --yess here; did you mean --yes? Type: npm run it -- FOLDER [--at TIME] [--yes]',
  )
  expect(() => read('--bogus')).toThrow('There is no flag --bogus here. Type: npm run it')
  expect(() => read('--at')).toThrow('--at needs a value. Type')
  expect(() => read('--yes=no')).toThrow('--yes takes no value. Type')
})

test('the printed command drops the database that is left in the operator’s PostgreSQL', () => {
  expect(keptDatabase('postgresql://me:secret@db.example.org:5433/my%20cloud')).toMatch(
    /stays as it is\..*\n {2}dropdb --host=db\.example\.org --port=5433 --username=me 'my cloud'$/,
  )
  expect(keptDatabase('postgresql:///cloud?host=/run/postgresql')).toMatch(
    /\n {2}dropdb --host=\/run\/postgresql cloud$/,
  )
})
