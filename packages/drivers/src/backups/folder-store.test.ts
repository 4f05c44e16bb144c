import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterAll, expect, test, vi } from 'vitest'
import { createFolderStore } from './folder-store.ts'

const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'stratolith-store-'))
afterAll(() => fs.rmSync(dir, { recursive: true, force: true }))

test('hosts that use a folder for the first time at once agree on its mark', async () => {
  for (let n = 0; n < 20; n += 1) {
    const root = path.join(dir, `${n}`)
    const stores = [1, 2, 3, 4].map((host) => createFolderStore(root, path.join(dir, `${n}-note-${host}`)))
    // Each host makes two calls at once.
    await Promise.all([...stores, ...stores].map((store) => store.space()))
    const marks = (await Promise.all(stores.map((store) => store.space()))).map(({ mark }) => mark)
    expect(marks[0]).toEqual(expect.any(String))
    expect(new Set(marks).size).toBe(1)
    expect(fs.readdirSync(root)).toEqual(['store.json'])
  }
})

test('a store says whether it would die with the disk of the data folder', async () => {
  const note = path.join(dir, 'note-of-data')
  const [beside, apart] = [path.join(dir, 'beside'), fs.mkdtempSync('/dev/shm/stratolith-store-')]
  try {
    expect(await createFolderStore(beside, note).space()).toMatchObject({ sharesDisk: true })
    expect(await createFolderStore(apart, note).space()).toMatchObject({ sharesDisk: false })
  } finally {
    fs.rmSync(apart, { recursive: true, force: true })
  }
})

test('a folder whose mark is not that of the host, or is none, is refused with a way out', async () => {
  const [root, note] = [path.join(dir, 'store'), path.join(dir, 'note')]
  const store = createFolderStore(root, note)
  await store.space()
  fs.writeFileSync(path.join(root, 'store.json'), JSON.stringify({ id: 'other' }))
  await expect(store.space()).rejects.toMatchObject({
    code: 'unavailable',
    message: expect.stringContaining(`Remove that file`),
  })
  fs.rmSync(note)
  await store.space()
  expect(JSON.parse(fs.readFileSync(note, 'utf8'))).toMatchObject({ id: 'other' })
  fs.rmSync(note)
  fs.writeFileSync(path.join(root, 'store.json'), 'nothing')
  await expect(store.space()).rejects.toMatchObject({
    code: 'unavailable',
    message: expect.stringContaining('no mark'),
  })
  expect(fs.existsSync(note)).toBe(false)
})

test('pieces that are written in the background are whole after they are settled, and what failed is raised', async () => {
  const root = path.join(dir, 'later')
  const store = createFolderStore(root, path.join(dir, 'note-of-later'))
  const names = Array.from({ length: 50 }, (_, no) => `volume/backup/0/${no}`)
  for (const name of names)
    await store.writeLater('volume/backup', name, [Buffer.from(name), Buffer.from('.')])
  await store.settle('volume/backup')
  for (const name of names) expect(`${await store.read(name)}`).toBe(`${name}.`)
  expect(fs.readdirSync(path.join(root, 'volume/backup/0'))).toHaveLength(50)

  // A file where a folder is needed.
  await store.write('volume/broken', Buffer.from('file'))
  await store.writeLater('volume/broken', 'volume/broken/0/1', [Buffer.from('lost')])
  await store.writeLater('volume/other', 'volume/other/0/1', [Buffer.from('kept')])
  await store.settle('volume/other')
  // Another backup of the volume ends meanwhile, and takes no notice of this one's failure.
  await store.settle('volume')
  // Nobody reads a whole volume for a store that takes nothing.
  await vi.waitFor(() =>
    expect(store.writeLater('volume/broken', 'volume/broken/0/2', [Buffer.from('lost')])).rejects.toThrow(),
  )
  await expect(store.settle('volume/broken')).rejects.toMatchObject({
    code: expect.stringMatching(/EEXIST|ENOTDIR/),
  })
  await store.settle('volume/other')
})

test('nothing of a volume is left when its last piece is removed, whatever is written at the same time', async () => {
  const root = path.join(dir, 'empty')
  const store = createFolderStore(root, path.join(dir, 'note-of-empty'))
  await store.space()
  const bytes = new Uint8Array(8)
  await store.write('volume/index.json', bytes)
  await store.write('volume/backup/0/1', bytes)
  await store.remove('volume/backup/0/1')
  expect(fs.readdirSync(path.join(root, 'volume'))).toEqual(['index.json'])
  await store.settle('volume')
  await store.remove('volume/index.json')
  await store.remove('volume/index.json')
  expect(fs.readdirSync(root)).toEqual(['store.json'])
  for (let n = 0; n < 20; n += 1) {
    await store.write('volume/old', bytes)
    await Promise.all([store.remove('volume/old'), store.write(`volume/backup/${n}`, bytes)])
    expect(await store.read(`volume/backup/${n}`)).toHaveLength(8)
    await store.remove(`volume/backup/${n}`)
  }
  await store.settle('volume')
  expect(fs.readdirSync(root)).toEqual(['store.json'])
})

test('a store leaves room on its disk for others, and says that it is full', async () => {
  const root = path.join(dir, 'full')
  const note = path.join(dir, 'note-of-full')
  const roomy = createFolderStore(root, note)
  await roomy.write('volume/a', Buffer.alloc(8))
  const { freeBytes } = await roomy.space()
  const store = createFolderStore(root, note, { shared: freeBytes + 1024 ** 3, own: 0 })
  const full = { code: 'no_space', message: 'The store of backups is full.' }
  await expect(store.write('volume/b', Buffer.alloc(8))).rejects.toMatchObject(full)
  let over = 0
  const later = store.writeLater('volume/c', 'volume/c/0/1', [Buffer.alloc(8)], () => {
    over += 1
  })
  await expect(later).rejects.toMatchObject(full)
  expect(over).toBe(1)
  // What is there can be read and removed.
  expect(await store.read('volume/a')).toHaveLength(8)
  await store.remove('volume/a')
})
