import { describe, expect, it } from 'vitest'
import { publicIpOffer, starterMade, starterOffer, wayIn, wayOut } from './outside.ts'

const closed = 'This cloud is closed to the outside.'
const router = { id: 'r', name: 'out', externalAddress: '172.24.4.9' }

describe('sentences about the outside', () => {
  it.each([
    ['of the starter network', starterOffer(true, null), starterOffer(true, closed), /leads out/],
    ['of the one that was made', starterMade('net', null), starterMade('net', closed), /leads out/],
    ['of a public IP', publicIpOffer(true, null), publicIpOffer(true, closed), /reached from outside/],
    ['of a router', wayOut({ router }, null), wayOut({ router }, closed), /reach the outside/],
  ])('%s promise nothing while no host has a link', (_what, open, shut, promise) => {
    expect(open).toMatch(promise)
    expect(shut).not.toMatch(promise)
  })

  it('name the reason where people would ask for it', () => {
    expect(starterOffer(true, closed)).toContain(closed)
    expect(publicIpOffer(true, closed)).toContain(closed)
    expect(wayOut({ router }, closed)).toBe(closed)
    // The nearer obstacle is named first.
    expect(wayOut({ router: { ...router, externalAddress: null } }, closed)).toMatch(/no gateway/)
  })

  it('port 22 is shown neither as open nor as closed by rules where the host itself is closed', () => {
    expect(wayIn(undefined)).toBe('unknown')
    expect(wayIn({ ok: true, closed: false })).toBe('open')
    expect(wayIn({ ok: false, closed: false })).toBe('blocked')
    expect(wayIn({ ok: false, closed: true })).toBe('closed')
  })
})
