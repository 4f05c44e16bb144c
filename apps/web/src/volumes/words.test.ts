import type { VolumeView } from '@stratolith/api/volumes/contract'
import { describe, expect, it, test } from 'vitest'
import {
  reimageCli,
  takeOverCli,
  transferAcceptCli,
  transferCreateCli,
  volumeAttachCli,
  volumeCreateCli,
  volumeExtendCli,
  volumeImageCli,
  volumeSetCli,
} from './cli.ts'
import { diskPath, guestCommands, guestSteps, mountPoint } from './guest-commands.ts'
import { sourceOf, typesFrom, usualType } from './origin.ts'
import {
  copyUnderWay,
  growText,
  inItsProject,
  lossText,
  moveText,
  noneText,
  tooMuch,
  waitText,
  wayOut,
  whyNotType,
} from './words.ts'

const id = '0f9b2c4e-7a1d-4c55-9e0a-2b6f0d3c8a11'

test('a change of type says whether the volume has to be moved', () => {
  const to = (choosesPool: boolean, pool_name = '') => ({ choosesPool, extraSpecs: { pool_name } })
  expect(moveText(to(false), { pool: 'vm@local' })).toBeNull()
  expect(moveText(to(true, 'vm@fast'), { pool: 'vm@local' })).toMatch(
    /in vm@local and has to be moved to vm@fast/,
  )
  expect(moveText(to(true, 'vm@fast'), { pool: 'vm@fast' })).toMatch(/lies in vm@fast already/)
  expect(moveText(to(true), { pool: null })).toMatch(/in another one has to be moved/)
})

test('the form of an image says which limit of images is too low', () => {
  const adds = { images: 1, imageGib: 5 }
  expect(tooMuch([{ resource: 'images', used: 3, limit: 3 }], adds)).toMatch(
    /^The project may have 3 images and has 3/,
  )
  expect(tooMuch([{ resource: 'imageGib', used: 6, limit: 10 }], adds)).toMatch(/has 4 GiB for images left/)
  expect(tooMuch([{ resource: 'imageGib', used: 5, limit: 10 }], adds)).toBeNull()
})

test('types for several instances are offered for empty volumes alone', () => {
  const types = [{ multiattach: false }, { multiattach: true }]
  expect(typesFrom('nothing', types)).toEqual(types)
  for (const from of ['image', 'snapshot', 'volume', 'backup'] as const)
    expect(typesFrom(from, types)).toEqual([{ multiattach: false }])
})

const oneLine = (command: string) => command.replaceAll(/ \\\n +/g, ' ')

test('the commands for images of volumes', () => {
  const wish = { name: ' web ', diskFormat: 'qcow2', visibility: 'private', protected: true, force: true }
  expect(oneLine(volumeImageCli(id, wish))).toBe(
    `openstack image create --volume ${id} --disk-format qcow2 --container-format bare --private --protected --force web`,
  )
  expect(oneLine(reimageCli(id, null))).toBe(`cinder --os-volume-api-version 3.68 reimage ${id} IMAGE`)
})

test('the form of a larger size sends nobody to a command that the page of the volume does not show', () => {
  const attached = (device: string) => [{ device }] as VolumeView['attachments']
  const growing = (attachments: VolumeView['attachments'], multiattach = false) =>
    growText({ attachments, multiattach })
  expect(growing([])).toMatch(/shows when an instance has the volume/)
  expect(growing(attached('/dev/vdb'))).toMatch(/the page of the volume shows\.$/)
  expect(growing(attached('/dev/vda'))).not.toMatch(/page/)
  expect(growing([], true)).not.toMatch(/page/)
})

test('the commands that take a volume over for another project give the person the role there first', () => {
  const values = { pool: 'a@local', ref: id, projectId: 'p', userId: 'u', name: ' data ', type: null }
  expect(takeOverCli(values).split('\n').slice(0, 1)).toEqual([
    'openstack role add --user u --project p admin',
  ])
  expect(oneLine(takeOverCli(values)).split('\n')[1]).toBe(
    `cinder --os-project-id p manage --name data 'a@local#local' ${id}`,
  )
})

describe('the commands for the guest', () => {
  it('name the disk by the first 20 characters of the id, which is what virtio has room for', () => {
    expect(diskPath(id)).toBe('/dev/disk/by-id/virtio-0f9b2c4e-7a1d-4c55-9')
    expect(diskPath(id, '/dev/vdc')).toBe(diskPath(id))
    expect(guestCommands({ id, name: 'data', device: '/dev/sdb' }).format).toBe(
      `sudo mkfs.ext4 /dev/disk/by-id/scsi-0QEMU_QEMU_HARDDISK_${id}`,
    )
    expect(guestCommands({ id, name: 'data' }).keep).toBe(
      "echo '/dev/disk/by-id/virtio-0f9b2c4e-7a1d-4c55-9 /mnt/data ext4 defaults,nofail 0 2' | sudo tee -a /etc/fstab",
    )
  })
  it('tell nobody to put a usual file system on a disk that several guests write', () => {
    const volume = { id, name: 'data', image: null, multiattach: false }
    const titles = (more: object) => guestSteps({ ...volume, ...more }).map(({ title }) => title)
    expect(titles({ multiattach: true })).toEqual(['Look for it'])
    expect(titles({})).toContain('Format it once: this deletes what is on it')
    expect(titles({ image: { id: 'i', name: 'Debian' } }).join()).not.toMatch(/Format/)
  })
  it.each([
    ['Ärchiv 2026', '/mnt/a-rchiv-2026'],
    ["x'; rm -rf /; '", '/mnt/x-rm-rf'],
    ['$(reboot)', '/mnt/reboot'],
    ['日本', '/mnt/volume'],
    ['', '/mnt/volume'],
  ])('make of the name %j the harmless folder %s', (name, folder) => expect(mountPoint(name)).toBe(folder))
})

describe('the commands of the stock client', () => {
  it('say what the form says, and stand-ins for what is not said yet', () => {
    const empty = { name: '', description: '', sizeGib: '', type: null, ...sourceOf('nothing', null) }
    expect(volumeCreateCli(empty)).toBe('openstack volume create --size GIB NAME')
    expect(volumeCreateCli({ ...empty, name: 'my data', sizeGib: 5, imageId: 'i' })).toBe(
      "openstack volume create --size 5 --image i 'my data'",
    )
    const copy = { ...empty, name: 'copy', sizeGib: 5 }
    expect(volumeCreateCli({ ...copy, ...sourceOf('snapshot', 's') })).toBe(
      'openstack volume create --size 5 --snapshot s copy',
    )
    expect(volumeCreateCli({ ...copy, ...sourceOf('volume', 'v') })).toBe(
      'openstack volume create --size 5 --source v copy',
    )
    expect(volumeCreateCli({ ...copy, ...sourceOf('backup', 'b') })).toMatch(
      /^cinder --os-volume-api-version 3.47 create [\s\S]*--backup-id b [\s\S]*--name copy/,
    )
    expect(transferCreateCli('v', 'for Ann')).toBe(
      "openstack volume transfer request create --name 'for Ann' v",
    )
    expect(transferAcceptCli('', '')).toBe('openstack volume transfer request accept --auth-key KEY TRANSFER')
    expect(volumeAttachCli(null, 'v')).toBe('openstack server add volume SERVER v')
  })
  it('extend a volume in use by the version of the API that allows it', () => {
    expect(volumeExtendCli({ id: 'v', state: 'available' }, 20)).toBe('openstack volume set --size 20 v')
    expect(volumeExtendCli({ id: 'v', state: 'in-use' }, '')).toBe(
      'openstack --os-volume-api-version 3.42 volume set --size GIB v',
    )
  })
  it('leave a description alone that is not changed', () => {
    const before = { id: 'v', name: 'a', description: 'b', bootable: false, readOnly: false }
    expect(volumeSetCli(before, { ...before, name: 'c' })).toBe('openstack volume set --name c v')
    expect(volumeSetCli(before, { ...before, description: '' })).toBe(
      "openstack volume set --name a --description '' v",
    )
    expect(volumeSetCli(before, { ...before, bootable: true, readOnly: true })).toBe(
      'openstack volume set --name a --bootable --read-only v',
    )
    const other = { ...before, bootable: true, readOnly: true }
    expect(volumeSetCli(other, before)).toBe('openstack volume set --name a --non-bootable --read-write v')
  })
})

describe('the sentence before the form is sent', () => {
  const quotas = (used: number, limit: number) => [
    { resource: 'volumes' as const, used: 2, limit: 3 },
    { resource: 'volumeGib' as const, used, limit },
  ]
  it.each([
    [quotas(10, 20), { volumes: 1, volumeGib: 10 }, null],
    [quotas(10, -1), { volumes: 1, volumeGib: 60_000 }, null],
    [quotas(10, 20), { volumes: 0, volumeGib: 11 }, /has 10 GiB left/],
    [quotas(30, 20), { volumes: 0, volumeGib: 1 }, /has 0 GiB left/],
    [quotas(10, 20), { volumes: 2, volumeGib: 1 }, /may have 3 volumes and has 2/],
    [quotas(10, 20), { volumeGroups: 1, volumes: 1, volumeGib: 11 }, /has 10 GiB left. Delete something/],
    [quotas(10, 20), { volumeSnapshots: 1, volumeGib: 11 }, /has 10 GiB left. Delete something/],
  ])('of %j, which get %j more, is %s', (limits, adds, text) => {
    const said = tooMuch(limits, adds)
    if (text === null) expect(said).toBeNull()
    else expect(said).toMatch(text)
  })
})

test('the question before a deletion names how much is lost', () => {
  expect(lossText([{ sizeGib: 5 }], 0)).toBe('All data on its 5 GiB is deleted and cannot be brought back.')
  expect(lossText([{ sizeGib: 5 }, { sizeGib: 2 }], 10)).toBe(
    'All data on them, 7 GiB together, is deleted in 10 minutes. They can be taken back until then, and their room counts in the quota.',
  )
  expect([1, 120, 2160].map(waitText)).toEqual(['1 minute', '2 hours', '1.5 days'])
})

test('a volume whose image could not be written, or that could not go back, is not called empty', () => {
  expect(wayOut({ state: 'error', isWhole: false })).toMatch(/^If the volume was being made, it is empty/)
  for (const state of ['error', 'error_restoring'] as const)
    expect(wayOut({ state, isWhole: true })).toMatch(/^Its content is whole.*“Use it as it is”/)
  expect(wayOut({ state: 'available', isWhole: false })).toBeUndefined()
})

test.each(['retyping', 'maintenance', 'uploading', 'downloading', 'restoring-backup'] as const)(
  'the page of a volume that is %s shows how far that is',
  (state) => {
    const copy = copyUnderWay({ state, backupId: null })
    expect(copy?.title).toMatch(/^[A-Z]/)
    expect(copy?.stopping).toMatch(/^Stopping the /)
  },
)
test('a volume that is made of a backup shows how far that is, and an empty new one has nothing to show', () => {
  expect(copyUnderWay({ state: 'creating', backupId: 'b' })?.title).toBe('Restoring a backup')
  expect(copyUnderWay({ state: 'creating', backupId: null })).toBeUndefined()
  expect(copyUnderWay({ state: 'available', backupId: 'b' })).toBeUndefined()
})

test('an administrator is told to switch before a group is made of that of another project', () => {
  expect(inItsProject(true, 'new group')).toBe(true)
  expect(inItsProject(false, 'new group')).toBe('Switch to its project first: the new group belongs there.')
})

test('a list without choices says why it has none', () => {
  expect([undefined, 0, 3].map((count) => noneText(count, 'pool'))).toEqual([
    ...['Looking for pools…', 'There is no other pool.', 'No pool has such a name.'],
  ])
})

test('a type that is always refused says why, before the form is sent', () => {
  const plain = { encryption: null, multiattach: false }
  const secret = { ...plain, encryption: { id: 'e' } as never }
  const volume = { encrypted: false, multiattach: false }
  expect(whyNotType(plain, volume)).toBeNull()
  expect(whyNotType(secret, { ...volume, encrypted: true })).toBeNull()
  expect(whyNotType(secret, volume)).toMatch(/encrypted, and this one is not/)
  expect(whyNotType(plain, { ...volume, encrypted: true })).toMatch(/not encrypted, and this one is/)
  expect(whyNotType({ ...plain, multiattach: true }, volume)).toMatch(/for several instances/)
  expect(whyNotType(plain, { ...volume, multiattach: true })).toMatch(/for one instance/)
})

test('the form names no default type for what gets the type of its origin', () => {
  expect(usualType('nothing', 'Standard')).toBe('Standard')
  expect(usualType('image', 'Standard')).toBe('Standard')
  expect(usualType('snapshot', 'Standard')).toBe('The type of the snapshot')
  expect(usualType('volume', 'Standard')).toBe('The type of the volume')
  expect(usualType('backup', 'Standard')).toBe('The type of the backup')
})
