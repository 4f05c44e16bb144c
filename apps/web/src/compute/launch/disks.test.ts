import { launchInput, planInput } from '@stratolith/api/compute/contract'
import { describe, expect, it } from 'vitest'
import { launchCli } from './cli.ts'
import { disksText, isRootChosen, isSizedByItself, noteBelow, sourceNotes, sourceWords } from './disks.ts'
import { keepDraft, takeDraft } from './draft.ts'
import { withChosen } from './use-launch-options.ts'
import { emptyLaunch, type LaunchValues, launchInputOf, launchProblems, planInputOf } from './values.ts'

const imageId = '7b0f5d9e-62d8-4a4e-9a39-2b6f6f0c8a11'
const volumeId = '0d6c1b6e-7f1d-4b58-8a53-54c0ff8bd7cd'
const snapshotId = '5a0c7f0e-3c1f-4d8a-8a57-6f8d1f3b2c11'
const backupId = '6b1d8f1f-4d20-4e9b-9b68-7a9e20405d22'
const filled: LaunchValues = { ...emptyLaunch, name: 'web', imageId, flavorId: '1', openPresets: [] }
const onNew: LaunchValues = { ...filled, rootVolume: true, rootGib: '20' }
const onOld: LaunchValues = { ...filled, source: 'volume', volumeId }
const more = (sizeGib: number | string, goes = false) => ({ id: String(sizeGib), sizeGib, goes })
/** What stands for a root disk that is not chosen yet: no disk of the host. */
const standIn = { boot: true, from: { kind: 'blank' }, sizeGib: 1 }
const input = (values: LaunchValues) => launchInput.parse(launchInputOf(values, 'token'))

describe('the disks of a launch', () => {
  it('are the disk of the host alone, unless somebody asks for volumes', () => {
    expect(input(filled)).toMatchObject({ imageId, volumes: [] })
    expect(disksText(filled)).toBe('')
  })

  it('are a new volume of the image, and empty ones, which are named after the instance', () => {
    const values = { ...onNew, rootType: 'fast', rootGoes: true, disks: [more(5), more('7', true)] }
    const root = { boot: true, sizeGib: 20, type: 'fast', name: '{name}-root', deleteOnTermination: true }
    expect(input(values).imageId).toBeUndefined()
    expect(input(values).volumes).toEqual([
      { ...root, from: { kind: 'image', id: imageId } },
      {
        ...{ boot: false, from: { kind: 'blank' }, sizeGib: 5 },
        name: '{name}-disk-1',
        deleteOnTermination: false,
      },
      {
        ...{ boot: false, from: { kind: 'blank' }, sizeGib: 7 },
        name: '{name}-disk-2',
        deleteOnTermination: true,
      },
    ])
    expect(disksText(values)).toBe('root disk: a new volume of 20 GiB; more disks: 5 GiB, 7 GiB')
  })

  it('have the name and the type that somebody chooses for them', () => {
    const disks = [
      { ...more(5), name: ' data ', type: 'fast' },
      { ...more(7), name: ' ', type: null },
    ]
    expect(input({ ...onOld, disks }).volumes.slice(1)).toMatchObject([
      { name: 'data', type: 'fast' },
      { name: '{name}-disk-2' },
    ])
    expect(input({ ...onOld, disks }).volumes[2]?.type).toBeUndefined()
  })

  it('are a volume that exists, whatever image was chosen before', () => {
    expect(input(onOld).imageId).toBeUndefined()
    expect(input(onOld).volumes).toMatchObject([{ boot: true, from: { kind: 'volume', id: volumeId } }])
  })

  it('are a new volume of a snapshot, as large as the snapshot unless somebody says more', () => {
    const values: LaunchValues = { ...filled, source: 'snapshot', snapshotId, rootVolume: true }
    const root = { boot: true, from: { kind: 'snapshot', id: snapshotId }, name: '{name}-root' }
    expect(input(values).imageId).toBeUndefined()
    expect(input(values).volumes).toMatchObject([root])
    expect(input(values).volumes[0]?.sizeGib).toBeUndefined()
    expect(launchProblems(values)).toEqual({})
    expect(disksText(values)).toBe('root disk: a new volume as large as the snapshot')
    expect(input({ ...values, rootGib: '9' }).volumes).toMatchObject([{ ...root, sizeGib: 9 }])
    expect(disksText({ ...values, rootGib: '9' })).toBe('root disk: a new volume of 9 GiB')
    expect(Object.keys(launchProblems({ ...values, rootGib: 'x' }))).toEqual(['rootGib'])
    expect(launchProblems({ ...values, snapshotId: null })).toEqual({ snapshotId: 'Choose a snapshot.' })
    expect(planInput.parse(planInputOf({ ...values, snapshotId: null })).volumes).toMatchObject([standIn])
  })

  it('are a new volume with what a backup contains', () => {
    const values: LaunchValues = { ...filled, source: 'backup', backupId }
    expect(input(values).volumes).toMatchObject([{ boot: true, from: { kind: 'backup', id: backupId } }])
    expect(disksText(values)).toBe('root disk: a new volume as large as the backup')
    expect(launchProblems({ ...values, backupId: null })).toEqual({ backupId: 'Choose a backup.' })
  })

  it('can be planned at every moment of typing, and each wrong value is named', () => {
    const typing = { ...onNew, rootGib: '', disks: [more('')] }
    expect(planInput.parse(planInputOf(typing)).volumes).toHaveLength(1)
    expect(Object.keys(launchProblems(typing))).toEqual(['rootGib', 'disks'])
    expect(planInput.parse(planInputOf({ ...onOld, volumeId: null })).volumes).toMatchObject([standIn])
    expect(isRootChosen({ ...onOld, volumeId: null })).toBe(false)
    expect(isRootChosen(onOld) && isRootChosen(onNew)).toBe(true)
    expect(launchProblems({ ...onOld, volumeId: null, imageId: null })).toEqual({
      volumeId: 'Choose a volume.',
    })
    expect(launchProblems({ ...onOld, rootVolume: true, rootGib: 'x' })).toEqual({})
  })

  it('are the same in the command', () => {
    const names = { image: 'tiny', flavor: 'm1', networks: [], securityGroups: [], externalNetwork: null }
    const words = (values: LaunchValues) =>
      launchCli(values, { ...names, presetGroups: [], starter: false }).replaceAll(' \\\n  ', ' ')
    expect(words(onNew)).toContain('server create --image tiny --boot-from-volume 20 --flavor m1')
    expect(words({ ...onNew, rootGoes: true })).toContain(
      `--block-device uuid=${imageId},source_type=image,destination_type=volume,boot_index=0,volume_size=20,delete_on_termination=true --flavor`,
    )
    expect(words({ ...onNew, rootType: 'fast' })).toMatch(
      /--os-compute-api-version 2\.67 server create .*volume_type=fast/,
    )
    expect(words({ ...onOld, disks: [more(5, true)] })).toContain(
      `--volume ${volumeId} --block-device source_type=blank,destination_type=volume,volume_size=5,delete_on_termination=true`,
    )
    expect(words({ ...onOld, disks: [{ ...more(5), type: 'fast' }] })).toMatch(
      /version 2\.67 .*source_type=blank,destination_type=volume,volume_size=5,volume_type=fast/,
    )
    const ofSnapshot = { ...filled, source: 'snapshot' as const, snapshotId, rootVolume: false }
    expect(words(ofSnapshot)).toContain(
      `--block-device uuid=${snapshotId},source_type=snapshot,destination_type=volume,boot_index=0 --flavor`,
    )
    expect(words({ ...ofSnapshot, rootGib: 9, rootType: 'fast' })).toMatch(
      /version 2\.67 .*source_type=snapshot,.*volume_size=9,volume_type=fast --flavor/,
    )
    expect(words({ ...onOld, rootGoes: true })).toContain(
      `--block-device uuid=${volumeId},source_type=volume,destination_type=volume,boot_index=0,delete_on_termination=true`,
    )
  })

  it('survive a reload, unless another version has written something else', () => {
    const owner = { userId: 'u', projectId: 'p' }
    const kept = new Map<string, string>()
    const store = {
      getItem: (key: string) => kept.get(key) ?? null,
      setItem: (key: string, text: string) => void kept.set(key, text),
      removeItem: (key: string) => void kept.delete(key),
    } as unknown as Storage
    const lists = {
      images: [],
      flavors: [],
      networks: [],
      externalNetwork: null,
      securityGroups: [],
      keyPairs: [],
    }
    const again = (values: object) => {
      keepDraft(store, owner, { ...filled, ...values } as LaunchValues)
      return takeDraft(store, owner, lists)
    }
    expect(again({ ...onOld, disks: [more(5)] })).toMatchObject({
      source: 'volume',
      volumeId,
      disks: [more(5)],
    })
    expect(again({ source: 'snapshot', snapshotId })).toMatchObject({ source: 'snapshot', snapshotId })
    expect(again({ source: 'tape', disks: [{ id: 1 }] })).toMatchObject({ source: 'image', disks: [] })
  })
})

it('the four sources of a root disk can be told apart on a phone, where each has room for eight letters', () => {
  const shown = Object.values(sourceWords).map((words) => words.slice(0, 8))
  expect(shown).toEqual(Object.values(sourceWords))
  expect(new Set(shown).size).toBe(4)
})

it('the form promises no machine for a volume that may lie in storage that several machines reach', () => {
  expect(Object.values(sourceNotes).filter((note) => /on the (same )?machine|disk of/.test(note))).toEqual([])
})

it.each(['snapshot', 'backup'] as const)(
  'a root disk of a %s needs no size, which the form says',
  (source) => {
    expect(isSizedByItself(source)).toBe(true)
    expect(launchProblems({ ...filled, source, snapshotId, backupId, rootGib: '' })).toEqual({})
  },
)

it('a list that does not offer all says so, and how an older thing is launched', () => {
  expect(noteBelow('backup', false)).not.toMatch(/newest/)
  expect(noteBelow('backup', true)).toMatch(
    /^These are the newest 200: launch an older one from its own page\./,
  )
})

it('what a page has chosen can be seen in the list, even if it is older than all that the list has', () => {
  const [old, fresh] = [{ id: 'old' }, { id: 'fresh' }]
  expect(withChosen([fresh], old)).toEqual([old, fresh])
  expect(withChosen([fresh], fresh)).toEqual([fresh])
  expect(withChosen(undefined, old)).toBeNull()
})
