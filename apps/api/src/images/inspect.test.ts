import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { headBytes, inspectImage } from './inspect.ts'
import { qcow2 } from './testing-qcow2.ts'

const extension = (type: number, text: string) => {
  const bytes = Buffer.alloc(8 + Math.ceil(text.length / 8) * 8)
  bytes.writeUInt32BE(type, 0)
  bytes.writeUInt32BE(text.length, 4)
  bytes.write(text, 8, 'latin1')
  return bytes
}
const inspect = (declared: 'raw' | 'qcow2', bytes: Buffer) =>
  inspectImage(declared, {
    head: bytes.subarray(0, headBytes),
    tail: bytes.subarray(-512),
    sizeBytes: bytes.length,
  })

describe('plain images are accepted', () => {
  test('raw and qcow2 of versions 2 and 3 are accepted', () => {
    const virtualBytes = 64 * 1024 * 1024
    expect(inspect('qcow2', qcow2())).toEqual({ ok: true, format: 'qcow2', virtualBytes })
    expect(inspect('qcow2', qcow2({ version: 2 }))).toEqual({ ok: true, format: 'qcow2', virtualBytes })
    expect(inspect('raw', Buffer.alloc(1000, 1))).toEqual({ ok: true, format: 'raw', virtualBytes: 1024 })
  })
  test('known harmless header extensions are accepted', () => {
    const featureNames = extension(0x6803f857, 'x'.repeat(48))
    expect(inspect('qcow2', qcow2({}, featureNames))).toMatchObject({ ok: true })
  })
})

describe('a hostile qcow2 is refused (A01, A02)', () => {
  const hostile: [string, Buffer, RegExp][] = [
    ['backing file', qcow2({ backingOffset: 512n, backingLength: 11 }), /backing file/],
    ['backing length without offset', qcow2({ backingLength: 11 }), /backing file/],
    ['backing format extension', qcow2({}, extension(0xe2792aca, 'raw')), /backing file/],
    ['data file bit', qcow2({ incompatible: 4n }), /another file/],
    ['data file name extension', qcow2({}, extension(0x44415441, '/etc/passwd')), /another file/],
    ['dirty', qcow2({ incompatible: 1n }), /closed properly/],
    ['corrupt', qcow2({ incompatible: 2n }), /corrupt/],
    ['unknown feature', qcow2({ incompatible: 1n << 40n }), /not supported/],
    ['AES encryption', qcow2({ encryption: 1 }), /encrypted/],
    ['LUKS extension', qcow2({}, extension(0x0537be77, 'x'.repeat(16))), /encrypted/],
    ['60 TiB in a small file', qcow2({ virtualSize: 60n << 40n, l1Size: 123 }), /16 TiB/],
    ['2^63 bytes', qcow2({ virtualSize: 1n << 63n }), /16 TiB/],
    ['zero bytes', qcow2({ virtualSize: 0n }), /zero bytes/],
    ['L1 too small for the disk', qcow2({ virtualSize: 1n << 40n, l1Size: 1 }), /tables/],
    ['L1 far too large', qcow2({ l1Size: 0x7fffffff }), /tables/],
    ['L1 outside of the file', qcow2({ l1Offset: 1n << 40n }), /outside/],
    ['L1 not aligned', qcow2({ l1Offset: 196_609n }), /outside/],
    ['no reference table', qcow2({ refcountOffset: 0n }), /outside/],
    ['huge reference table', qcow2({ refcountClusters: 0x7fffffff }), /too large/],
    ['a million snapshots', qcow2({ snapshots: 1_000_000 }), /snapshots/],
    ['cluster of 2^31', qcow2({ clusterBits: 31 }), /cluster size/],
    ['version 1', qcow2({ version: 1 }), /version 1/],
    ['version 4', qcow2({ version: 4 }), /version 4/],
    ['header length 40', qcow2({ headerLength: 40 }), /header length/],
    ['extension longer than the header', qcow2({}, Buffer.from('1234567fffffffff', 'hex')), /longer/],
    ['cut header', qcow2().subarray(0, 60), /cut off/],
  ]
  test.each(hostile)('%s', (_name, bytes, reason) => {
    const found = inspect('qcow2', bytes)
    expect(found).toMatchObject({ ok: false })
    if (found.ok) throw new Error('accepted')
    expect(found.reason).toMatch(reason)
    expect(found.reason).not.toMatch(/passwd/)
    expect(inspect('raw', bytes), 'declared raw').toMatchObject({ ok: false })
  })
  test('reading ends although the list of header extensions never ends', () => {
    const many = Buffer.concat(Array.from({ length: 80 }, () => extension(0x6803f857, '')))
    expect(inspect('qcow2', qcow2({}, many))).toMatchObject({
      ok: false,
      reason: expect.stringMatching(/too many/),
    })
  })
})

describe('an image that is not of its declared format is refused', () => {
  const named: [string, Buffer, RegExp][] = [
    ['qcow2 as raw', qcow2(), /is qcow2/],
    ['sparse VMDK', Buffer.from('KDMV'.padEnd(1024, '\0')), /VMDK/],
    ['VMDK descriptor', Buffer.from('# Disk DescriptorFile\nversion=1\nRW 1 FLAT "/etc/passwd" 0\n'), /VMDK/],
    [
      'VMDK descriptor after comments',
      Buffer.from('# x\n\n  \nversion=3\nRW 1 FLAT "/etc/shadow" 0\n'),
      /VMDK/,
    ],
    [
      'VHD by its footer',
      Buffer.concat([Buffer.alloc(4096), Buffer.from('conectix'.padEnd(512, '\0'))]),
      /VHD/,
    ],
    ['VHDX', Buffer.from('vhdxfile'.padEnd(1024, '\0')), /VHDX/],
    ['QED', Buffer.from('QED\0'.padEnd(1024, '\0')), /QED/],
    ['LUKS', Buffer.from('LUKS\xba\xbe'.padEnd(1024, '\0'), 'latin1'), /LUKS/],
    ['gzip', Buffer.from('1f8b0800'.padEnd(1024, '0'), 'hex'), /gzip/],
    ['tar', Buffer.concat([Buffer.alloc(257, 65), Buffer.from('ustar\0'), Buffer.alloc(500)]), /tar/],
    ['ISO', Buffer.concat([Buffer.alloc(32_769), Buffer.from('CD001'), Buffer.alloc(4000)]), /ISO/],
  ]
  test.each(named)('%s', (_name, bytes, reason) => {
    const found = inspect('raw', bytes)
    expect(found).toMatchObject({ ok: false, reason: expect.stringMatching(reason) })
    if (!found.ok) expect(found.reason).not.toMatch(/passwd|shadow/)
  })
  test('raw bytes declared as qcow2 and an empty file are refused', () => {
    expect(inspect('qcow2', Buffer.alloc(4096))).toMatchObject({ ok: false })
    expect(inspect('raw', Buffer.alloc(0))).toMatchObject({
      ok: false,
      reason: expect.stringMatching(/empty/),
    })
  })
  test('a good header that is cut anywhere gives an answer, never an exception', () => {
    const whole = qcow2()
    for (let length = 0; length < 200; length++)
      expect(() => inspect('qcow2', whole.subarray(0, length))).not.toThrow()
  })
})

describe('images that qemu-img makes', () => {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'stratolith-inspect-'))
  afterAll(() => fs.rmSync(dir, { recursive: true, force: true }))
  const make = (...args: string[]) => {
    const file = path.join(dir, `${crypto.randomUUID()}.img`)
    execFileSync('qemu-img', ['create', '-q', ...args.slice(0, -1), file, args.at(-1) ?? '1G'])
    return fs.readFileSync(file)
  }
  test.each([
    [['-f', 'qcow2']],
    [['-f', 'qcow2', '-o', 'compat=0.10']],
    [['-f', 'qcow2', '-o', 'cluster_size=512']],
    [['-f', 'qcow2', '-o', 'cluster_size=2M']],
    [['-f', 'qcow2', '-o', 'extended_l2=on']],
    [['-f', 'qcow2', '-o', 'compression_type=zstd']],
    [['-f', 'qcow2', '-o', 'lazy_refcounts=on']],
  ])('%j is accepted', (args) => {
    expect(inspect('qcow2', make(...args, '1G'))).toEqual({
      ok: true,
      format: 'qcow2',
      virtualBytes: 1024 ** 3,
    })
  })
  test.each([
    [['-f', 'qcow2', '-u', '-b', '/etc/passwd', '-F', 'raw']],
    [
      [
        '-f',
        'qcow2',
        '-u',
        '-b',
        'json:{"driver":"raw","file":{"driver":"file","filename":"/etc/passwd"}}',
        '-F',
        'raw',
      ],
    ],
    [['-f', 'vmdk', '-o', 'subformat=monolithicFlat']],
    [['-f', 'vmdk', '-o', 'subformat=streamOptimized']],
    [['-f', 'vpc']],
    [['-f', 'vhdx']],
    [['-f', 'vdi']],
    [['-f', 'qed']],
    [['-f', 'parallels']],
    [['-f', 'qcow']],
  ])('%j is refused as qcow2 and as raw', (args) => {
    const bytes = make(...args, '64M')
    expect(inspect('qcow2', bytes)).toMatchObject({ ok: false })
    expect(inspect('raw', bytes)).toMatchObject({ ok: false })
  })
})
