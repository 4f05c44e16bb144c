import { describe, expect, test } from 'vitest'
import { maskVerdicts } from '../contract.ts'
import { type Candidate, filters, judgeHost, place, placementToKeep, rank, shuffled } from './judge.ts'
import { suggest } from './suggest.ts'

const host = (name: string, patch: Partial<Candidate> = {}): Candidate => ({
  id: name,
  name,
  zone: 'nova',
  state: 'up',
  enabled: true,
  disabledReason: null,
  vcpus: { used: 0, total: 4 },
  memoryMib: { used: 0, total: 4096 },
  diskGib: { used: 0, total: 40 },
  ...patch,
})
const small = { vcpus: 1, memoryMib: 512, diskGib: 1 }
const failing = (c: Candidate, need = small) => judgeHost(c, need).checks.filter((check) => !check.ok)

describe('judge', () => {
  test('a host with room passes every check', () => {
    const verdict = judgeHost(host('a'), small)
    expect(verdict).toMatchObject({ host: 'a', fits: true })
    expect(verdict.checks).toHaveLength(filters.length)
    expect(verdict.checks.every((check) => check.ok && check.reason === null)).toBe(true)
  })

  test.each([
    [{ state: 'down' }, 'Answers', 'down', 'The host does not answer.'],
    [
      { enabled: false, disabledReason: 'disk swap' },
      'Accepts instances',
      'disabled',
      'An administrator has disabled the host: disk swap.',
    ],
    [{ vcpus: { used: 4, total: 4 } }, 'vCPUs', '0 vCPU', '1 vCPU short: 4 of 4 vCPU are taken.'],
    [
      { memoryMib: { used: 3900, total: 4096 } },
      'Memory',
      '196 MiB',
      '316 MiB short: 3.8 of 4 GiB are taken.',
    ],
    [{ diskGib: { used: 41, total: 40 } }, 'Disk', '0 GiB', '2 GiB short: 41 of 40 GiB are taken.'],
    [
      { memoryMib: { used: 0, total: 256 } },
      'Memory',
      '256 MiB',
      '256 MiB short: the whole host has 256 MiB.',
    ],
  ])('%j fails exactly one check and says why', (patch, check, have, reason) => {
    expect(failing(host('a', patch))).toMatchObject([{ check, have, reason }])
    expect(judgeHost(host('a', patch), small).fits).toBe(false)
  })

  test('a host with exactly enough room fits', () => {
    expect(failing(host('a'), { vcpus: 4, memoryMib: 4096, diskGib: 40 })).toEqual([])
  })

  test('a tenant reads numbers, but no name, no id and no administrator’s words', () => {
    const masked = maskVerdicts([
      judgeHost(host('rack7-secret', { enabled: false, disabledReason: 'canary' }), small),
    ])
    expect(JSON.stringify(masked)).not.toMatch(/rack7|canary/)
    expect(masked[0]).toMatchObject({ hostId: 'host-1', host: 'host 1', fits: false })
  })
})

describe('rank and place', () => {
  test('the emptier host wins; ties are decided by id', () => {
    const busy = host('a', { memoryMib: { used: 2048, total: 4096 } })
    expect(rank([busy, host('c'), host('b')], small).map((h) => h.id)).toEqual(['b', 'c', 'a'])
  })

  test('several instances spread over hosts, and each claim counts', () => {
    expect(
      place([host('a'), host('b')], small, 4)
        .hosts.map((h) => h.id)
        .sort(),
    ).toEqual(['a', 'a', 'b', 'b'])
    const two = { vcpus: 2, memoryMib: 512, diskGib: 1 }
    const full = place([host('a'), host('b')], two, 5)
    expect(full.hosts).toHaveLength(4)
    expect(full.judged.verdicts.every((v) => !v.fits)).toBe(true)
  })

  test('launches at the same moment spread over equally good hosts, never over worse ones', () => {
    const equal = Array.from({ length: 10 }, (_, i) => host(`h${i}`))
    const world = [host('a', { memoryMib: { used: 2048, total: 4096 } }), ...equal]
    const chosen = new Set(Array.from({ length: 60 }, () => place(world, small, 1, shuffled()).hosts[0]?.id))
    expect(chosen.size).toBeGreaterThan(3)
    expect(chosen).not.toContain('a')
  })
  test('the history keeps the chosen host and the hosts that refused, and stays small', () => {
    const many = Array.from({ length: 100 }, (_, i) => host(`h${i}`, i % 50 === 0 ? { state: 'down' } : {}))
    const kept = placementToKeep(
      place(many, small, 1, (a) => (a.id === 'h77' ? -1 : 1)).judged,
      'h77',
    ).verdicts
    expect(kept.slice(0, 4).map((v) => [v.hostId, v.fits])).toEqual([
      ['h77', true],
      ['h0', false],
      ['h50', false],
      ['h1', true],
    ])
    expect(kept).toHaveLength(20)
  })
  test('of a thousand hosts 50 are shown, the chosen hosts first; the others are counted by reason', () => {
    const full = { memoryMib: { used: 4000, total: 4096 } }
    const many = Array.from({ length: 1000 }, (_, i) =>
      host(`h${i}`, i % 2 === 0 ? full : i % 5 === 0 ? { state: 'down', ...full } : {}),
    )
    const { hosts, judged } = place(many, small, 3, shuffled())
    expect(judged).toMatchObject({
      total: 1000,
      fit: 400,
      refused: [
        { check: 'Memory', hosts: 500 },
        { check: 'Answers', hosts: 100 },
      ],
    })
    expect(judged.verdicts).toHaveLength(50)
    const first = judged.verdicts.slice(0, 3)
    expect(first.map((verdict) => verdict.hostId).sort()).toEqual(hosts.map(({ id }) => id).sort())
    expect(judged.verdicts.slice(3).every((verdict) => !verdict.fits)).toBe(true)
  })
  test('placing changes no input', () => {
    const world = [host('a')]
    place(world, small, 3)
    expect(world).toEqual([host('a')])
  })
})

describe('suggest', () => {
  const flavors = [
    { name: 'nano', vcpus: 1, memoryMib: 128, diskGib: 1 },
    { name: 'small', vcpus: 1, memoryMib: 2048, diskGib: 20 },
    { name: 'large', vcpus: 8, memoryMib: 8192, diskGib: 80 },
  ]
  const large = { name: 'large', vcpus: 8, memoryMib: 8192, diskGib: 80 }
  test('suggests nothing when the launch fits', () =>
    expect(suggest([host('a')], small, 1, flavors)).toBeNull())
  test('suggests fewer instances', () =>
    expect(suggest([host('a')], small, 9, flavors)).toBe('There is room for 4 of the 9: launch 4 now.'))
  test('suggests the largest smaller flavor', () =>
    expect(suggest([host('a')], large, 1, flavors)).toBe(
      'Choose small (1 vCPU, 2 GiB, 20 GiB): it fits now.',
    ))
  test('names the room that must become free', () =>
    expect(suggest([host('a', { vcpus: { used: 4, total: 4 } })], small, 1, flavors)).toBe(
      'Delete instances that hold 1 vCPU on one host, or choose a smaller flavor.',
    ))
  test('says when no host is large enough even when empty', () =>
    expect(suggest([host('a')], large, 1, [large])).toContain('even when empty'))
  test('says when there is no host, when all are disabled, and when none answers', () => {
    expect(suggest([], small, 1, flavors)).toContain('add a host')
    expect(suggest([host('a', { enabled: false })], small, 1, flavors)).toContain('enable a host')
    expect(suggest([host('a', { state: 'down' })], small, 1, flavors)).toContain('answers again')
  })
})
