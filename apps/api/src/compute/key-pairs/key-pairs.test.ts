import { execFileSync } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Deps } from '../../kernel/context.ts'
import { pageInput } from '../../kernel/contract.ts'
import { readFacts } from '../../kernel/facts.ts'
import { expectCloudError, testCtx, testDeps } from '../../kernel/testing.ts'
import '../../register.ts'
import { generatePair, parsePublicKey, sha256Of } from './openssh.ts'
import { createKeyPair, deleteKeyPair, keyPairFact, listKeyPairs } from './service.ts'

const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'stratolith-keys-'))
afterAll(() => fs.rmSync(dir, { recursive: true }))
const keygen = (...args: string[]) => execFileSync('ssh-keygen', args, { encoding: 'utf8' }).trim()

describe('OpenSSH keys', () => {
  test('ssh-keygen accepts generated keys and agrees on public key and fingerprint', () => {
    const pair = generatePair('me')
    const file = path.join(dir, 'generated')
    fs.writeFileSync(file, pair.privateKey, { mode: 0o600 })
    expect(keygen('-y', '-f', file).split(' ').slice(0, 2)).toEqual(pair.publicKey.split(' ').slice(0, 2))
    expect(keygen('-l', '-E', 'md5', '-f', file)).toContain(`MD5:${pair.fingerprint} `)
    expect(keygen('-l', '-f', file)).toContain(` ${sha256Of(pair.publicKey)} `)
    expect(generatePair('me').privateKey).not.toBe(pair.privateKey)
  })

  test.each([
    ['ed25519', []],
    ['rsa', ['-b', '2048']],
    ['ecdsa', ['-b', '256']],
    ['ecdsa', ['-b', '521']],
  ])('a %s key %j of ssh-keygen can be imported', (type, bits) => {
    const file = path.join(dir, `${type}${bits.join('')}`)
    keygen('-q', '-t', type, ...bits, '-N', '', '-C', 'me@laptop', '-f', file)
    const parsed = parsePublicKey(fs.readFileSync(`${file}.pub`, 'utf8'))
    expect(parsed.publicKey).toBe(fs.readFileSync(`${file}.pub`, 'utf8').trim())
    expect(keygen('-l', '-E', 'md5', '-f', `${file}.pub`)).toContain(`MD5:${parsed.fingerprint} `)
    expect(keygen('-l', '-f', `${file}.pub`)).toContain(` ${sha256Of(parsed.publicKey)} `)
  })

  test('any text other than one good public key is refused', () => {
    const good = generatePair('x').publicKey
    const [type = '', blob = ''] = good.split(' ')
    const weak = path.join(dir, 'weak')
    keygen('-q', '-t', 'rsa', '-b', '1024', '-N', '', '-f', weak)
    const { privateKey } = generateKeyPairSync('ed25519')
    const hostile = [
      fs.readFileSync(`${weak}.pub`, 'utf8'),
      privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
      `${good}\n${good}`,
      `command="rm -rf /" ${good}`,
      `ssh-rsa ${blob}`,
      `${type} ${blob.slice(0, -8)}`,
      `${type} ${Buffer.concat([Buffer.from(blob, 'base64'), Buffer.from('tail')]).toString('base64')}`,
      `ssh-dss ${blob}`,
      'hello',
      '',
      `${good}\u0000`,
    ]
    for (const text of hostile)
      expect(() => parsePublicKey(text), JSON.stringify(text)).toThrow(/Paste one line/)
  })
})

describe('key pairs', () => {
  let deps: Deps
  let close: () => Promise<void>
  beforeAll(async () => {
    ;({ deps, close } = await testDeps())
  })
  afterAll(() => close())

  test('keep the imported text, and give guests one clean line', async () => {
    const me = await testCtx(deps, { role: 'reader' })
    const line = generatePair('me@laptop').publicKey
    const publicKey = ` ${line.replace(' ', '  ')} \n`
    const made = await createKeyPair(me, { name: 'file', publicKey })
    expect(made).toMatchObject({ publicKey, type: 'ssh-ed25519' })
    expect(await readFacts(me, { key: keyPairFact(me, 'file') })).toEqual({
      key: { name: 'file', publicKey: line },
    })
  })

  test('belong to their user, show the private key once, and count against the quota', async () => {
    const me = await testCtx(deps, { role: 'reader' })
    const other = await testCtx(deps, { projectId: me.projectId })
    const made = await createKeyPair(me, { name: 'laptop' })
    expect(made.privateKey).toContain('BEGIN OPENSSH PRIVATE KEY')
    const stored = await deps.root.keyPair.findUniqueOrThrow({ where: { id: made.id } })
    expect(JSON.stringify(stored)).not.toContain('PRIVATE')
    const page = await listKeyPairs(me, pageInput.parse({}))
    expect(page.items.map((k) => k.name)).toEqual(['laptop'])
    expect(page.items[0]).not.toHaveProperty('privateKey')
    expect((await listKeyPairs(other, pageInput.parse({}))).total).toBe(0)
    expect(await readFacts(other, { key: keyPairFact(other, 'laptop') })).toEqual({ key: null })
    await expectCloudError(createKeyPair(me, { name: 'laptop' }), 'already_exists')
    await expectCloudError(deleteKeyPair(other, { name: 'laptop' }), 'not_found')
    await deleteKeyPair(me, { name: 'laptop' })
    await expectCloudError(deleteKeyPair(me, { name: 'laptop' }), 'not_found')
    const usage = await deps.root.quotaUsage.findMany({ where: { projectId: `user:${me.actor.userId}` } })
    expect(usage).toMatchObject([{ resource: 'keyPairs', used: 0 }])
  })
})
