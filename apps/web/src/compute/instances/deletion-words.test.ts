import { describe, expect, it } from 'vitest'
import { deletionText, releaseOption, volumesText } from './deletion-words.ts'

const on = (ownFloatingIpId: string | null, ...ips: string[]) => ({
  ownFloatingIpId,
  rootOnVolume: false,
  machine: null,
  addresses: ips.map((floatingIp) => ({
    ...{ networkId: 'n', networkName: 'net', portId: 'p', mac: 'm', address: 'a' },
    ...{ floatingIp, floatingIpId: `id of ${floatingIp}` },
  })),
})

describe('the question before instances are deleted', () => {
  it('says which floating IPs are released and which stay', () => {
    expect(deletionText([on(null)])).toBe('The machine, its disk and everything on it are gone for good.')
    expect(releaseOption([on(null, '2.2.2.2')])).toBeUndefined()
    expect(releaseOption([on('id of 1.1.1.1', '1.1.1.1')])).toEqual({
      label: 'Also release 1.1.1.1',
      description: expect.stringMatching(
        /made at the launch.* Without the tick it stays with the project\.$/,
      ),
      ticked: true,
    })
    expect(deletionText([on(null, '2.2.2.2')])).toMatch(/Floating IP 2\.2\.2\.2 stays with the project\.$/)
    expect(deletionText([on('id of 1.1.1.1', '1.1.1.1'), on(null, '2.2.2.2', '3.3.3.3')])).toBe(
      'The machines, their disks and everything on them are gone for good. Floating IPs 2.2.2.2, 3.3.3.3 stay with the project.',
    )
  })

  it('names the volumes that go, those that stay although they are marked, and how long they can be taken back', () => {
    const onVolume = { ...on(null), rootOnVolume: true }
    expect(deletionText([onVolume])).toBe('The machine is gone for good.')
    expect(volumesText({ minutes: 10, volumes: [] }, true)).toBe('The volumes stay.')
    expect(volumesText({ minutes: 10, volumes: [] }, false)).toBe('')
    const root = { id: '1', name: 'sysroot', sizeGib: 1, why: null }
    expect(volumesText({ minutes: 10, volumes: [root] }, true)).toBe(
      '“sysroot” (1 GiB) is deleted, too, and can be taken back for 10 minutes. All other volumes stay.',
    )
    const kept = { ...root, name: 'db', why: 'it has a snapshot' }
    expect(volumesText({ minutes: 0, volumes: [kept, root, { ...root, name: '' }] }, false)).toBe(
      '“sysroot” (1 GiB), “1” (1 GiB) are deleted, too, and cannot be brought back. Marked to be deleted, but staying: “db”: it has a snapshot. All other volumes stay.',
    )
  })

  it('says that the guest on a machine that does not answer may go on running', () => {
    const away = { ...on(null), machine: { absence: 'silent' as const, since: null } }
    expect(deletionText([away])).toMatch(/Its host does not answer: it may go on running there/)
    expect(deletionText([away, on(null)])).toMatch(/The host of one of them does not answer/)
    expect(deletionText([away, away, on(null)])).toMatch(/The hosts of 2 of them do not answer/)
  })
})
