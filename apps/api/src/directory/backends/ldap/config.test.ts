import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readLdapSettings } from './config.ts'

let dir = ''
beforeAll(() => {
  dir = fs.mkdtempSync(path.join(os.tmpdir(), 'stratolith-ldap-'))
  fs.writeFileSync(path.join(dir, 'password'), 'canary-reader\n')
  fs.writeFileSync(path.join(dir, 'empty'), '\n')
})
afterAll(() => fs.rmSync(dir, { recursive: true, force: true }))

const users = { base: 'ou=people,dc=example,dc=org' }
const good = { url: 'ldaps://ldap.example.org', users }
function read(domains: object) {
  fs.writeFileSync(path.join(dir, 'ldap.yaml'), JSON.stringify(domains))
  return readLdapSettings(dir)
}

test('reads a missing file, an empty file, and the least that a domain needs', () => {
  expect(readLdapSettings(path.join(dir, 'nowhere'))).toEqual([])
  fs.writeFileSync(path.join(dir, 'ldap.yaml'), '# nothing yet\n')
  expect(readLdapSettings(dir)).toEqual([])
  expect(read({ corp: { ...good, bind: { dn: 'cn=reader', passwordFile: 'password' } } })).toMatchObject([
    {
      domainName: 'corp',
      bind: { dn: 'cn=reader', password: 'canary-reader' },
      users: { ...users, filter: '(objectClass=inetOrgPerson)', id: 'entryUUID', name: 'uid', mail: 'mail' },
      timeoutMs: 5000,
    },
  ])
})
test.each<[string, object, RegExp]>([
  ['an unknown setting', { corp: { ...good, usersbase: 'x' } }, /corp: Unrecognized key: "usersbase"/],
  ['a missing base', { corp: { url: good.url, users: {} } }, /corp\.users\.base/],
  ['another protocol', { corp: { ...good, url: 'http://ldap' } }, /corp\.url: must be ldap:/],
  ['half a filter', { corp: { ...good, users: { ...users, filter: '(&(a=b)' } } }, /is no LDAP filter/],
  [
    'a filter for an attribute',
    { corp: { ...good, users: { ...users, name: 'uid)(a=*' } } },
    /no name of an/,
  ],
  [
    'a connection without encryption',
    { corp: { ...good, url: 'ldap://ldap.example.org' } },
    /Use ldaps:\/\/ or set starttls/,
  ],
  ['the domain Default', { Default: good }, /has users of its own/],
  ['a missing file', { corp: { ...good, tls: { ca: 'none.pem' } } }, /none\.pem cannot be read/],
  [
    'an empty password file',
    { corp: { ...good, bind: { dn: 'cn=r', passwordFile: 'empty' } } },
    /empty is empty/,
  ],
  ['a very long timeout', { corp: { ...good, timeoutSeconds: 600 } }, /corp\.timeoutSeconds/],
])('%s stops the start with a sentence', (_, domains, sentence) => {
  expect(() => read(domains)).toThrow(sentence)
})
test('allows ldap:// with STARTTLS or to this machine', () => {
  expect(read({ corp: { ...good, url: 'ldap://ldap.example.org', starttls: true } })).toHaveLength(1)
  expect(read({ corp: { ...good, url: 'ldap://127.0.0.1:3389' } })).toHaveLength(1)
})
