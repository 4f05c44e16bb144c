import { expect, test } from 'vitest'
import { inOneLine, kindWords, limitWords, poolWords, typeLimitWords, typeText } from './limit-words.ts'
import { limitsText } from './type-words.ts'
import { typeCli, typeInput, typeProblems } from './values.ts'

test.each([
  [{}, 'No limit'],
  [{ iopsTotal: 1500, bpsTotal: 10 * 1024 ** 2 }, '1,500 operations/s; 10 MiB/s'],
  [
    { iopsRead: 5, iopsReadMax: 9, bpsWrite: 1024, bpsWriteMax: 1024 },
    '5 operations/s read, for a moment 9 operations/s; 1 KiB/s written',
  ],
])('the limits %j of a volume are “%s”', (limits, words) => {
  expect(inOneLine(limitWords(limits))).toBe(words)
})

test.each([
  [{}, 'No limit'],
  [{ note: 'x' }, 'No limit'],
  [{ total_iops_sec: '500', total_iops_sec_max: '900' }, '500 operations/s, for a moment 900 operations/s'],
  [
    { read_iops_sec_per_gb: '10', read_iops_sec_per_gb_min: '100', read_iops_sec_max: '5000' },
    '10 operations/s read for each GiB, at least 100 operations/s, at most 5,000 operations/s',
  ],
  [{ write_bytes_sec_per_gb: '1048576' }, '1 MiB/s written for each GiB'],
])('the limits %j of a type are “%s”', (specs, words) => {
  expect(inOneLine(typeLimitWords(specs))).toBe(words)
})

test('the form of a volume says what a type means for its size', () => {
  const limits = { total_iops_sec_per_gb: '10' }
  const plain = { ...{ description: '', limits: {}, extraSpecs: {} }, encryption: null }
  const type = { ...plain, multiattach: false, choosesPool: false }
  expect(typeText({ ...type, description: 'Fast disks.', limits }, 5)).toBe(
    'Fast disks. At most 50 operations/s.',
  )
  expect(typeText(type, 5)).toBe('Its speed has no limit.')
  const encryption = {
    id: 'e',
    provider: 'luks',
    cipher: 'aes-xts-plain64',
    keySize: 512,
    controlLocation: 'front-end',
  } as const
  expect(typeText({ ...type, encryption }, 5)).toMatch(/^The data are encrypted \(AES-256-XTS\)\./)
  expect(typeText({ ...type, multiattach: true }, 5)).toMatch(/^Several instances may have the volume/)
  expect(typeText({ ...type, choosesPool: true }, 5)).toMatch(/^The volume lies in a pool that the type/)
  expect(typeText({ ...type, choosesPool: true, extraSpecs: { pool_name: 'vm@second' } }, 5)).toMatch(
    /^The volume lies in vm@second\./,
  )
})

test('the form of a type makes limits and extra specs of what is typed, and shows the commands for the same', () => {
  const empty = {
    name: 'slow',
    description: '',
    public: true,
    iops: '',
    mibps: '',
    pool: null,
    encrypted: false,
    shared: false,
  } as const
  expect(typeInput(empty)).toEqual({
    name: 'slow',
    description: '',
    public: true,
    extraSpecs: {},
    limits: {},
    encrypted: false,
  })
  expect(typeCli(empty)).toBe('openstack volume type create slow')
  const full = { ...empty, public: false, iops: 500, mibps: 10, pool: 'host-1@local' }
  expect(typeInput(full)).toMatchObject({
    ...{ public: false, extraSpecs: { pool_name: 'host-1@local' } },
    limits: { total_iops_sec: '500', total_bytes_sec: '10485760' },
  })
  expect(
    typeCli(full)
      .replaceAll(/ \\\n +/g, ' ')
      .split('\n'),
  ).toEqual([
    'openstack volume type create --private --property pool_name=host-1@local slow',
    'openstack volume qos create --consumer front-end --property total_iops_sec=500 --property total_bytes_sec=10485760 slow',
    'openstack volume qos associate slow slow',
  ])
  expect(typeInput({ ...empty, encrypted: true })).toMatchObject({ encrypted: true })
  expect(typeCli({ ...empty, encrypted: true })).toBe(
    'openstack volume type create --encryption-provider luks slow',
  )
  expect(typeInput({ ...empty, shared: true }).extraSpecs).toEqual({ multiattach: '<is> True' })
  expect(typeCli({ ...empty, shared: true })).toBe(
    "openstack volume type create --property 'multiattach=<is> True' slow",
  )
  expect(typeProblems.name(' ')).toBe('Give it a name.')
  expect(typeProblems.iops('')).toBeNull()
  expect(typeProblems.iops(0)).toContain('a whole number from 1')
})

test('the list of types tells apart what their volumes are and where they lie', () => {
  const plain = { encryption: null, multiattach: false, choosesPool: false, extraSpecs: {} }
  const luks = { provider: 'luks', controlLocation: 'front-end', cipher: 'aes-xts-plain64' } as const
  const encryption = { ...luks, id: 'e', keySize: 512 as const }
  expect([kindWords(plain), poolWords(plain)]).toEqual(['plain', 'any'])
  expect(kindWords({ encryption, multiattach: true })).toBe('encrypted, for several instances')
  expect(poolWords({ choosesPool: true, extraSpecs: { pool_name: 'vm@fast' } })).toBe('vm@fast')
  expect(poolWords({ choosesPool: true, extraSpecs: {} })).toBe('chosen by the type')
})

test('the page of a type says who else has its limits, and that those of the storage have no effect', () => {
  const [own, other] = [
    { id: '1', name: 'slow' },
    { id: '2', name: 'slower' },
  ]
  const qos = { id: 'q', name: 'slow', consumer: 'front-end', specs: {} } as const
  expect(limitsText({ id: '1', qos: null })).not.toContain('The same limits')
  expect(limitsText({ id: '1', qos: { ...qos, types: [own] } })).not.toContain('The same limits')
  expect(limitsText({ id: '1', qos: { ...qos, types: [own, other] } })).toContain(
    'The same limits hold for slower: a change counts there, too.',
  )
  expect(limitsText({ id: '1', qos: { ...qos, consumer: 'back-end', types: [own] } })).toContain('no effect')
})
