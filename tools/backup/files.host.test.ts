import fs from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { copyFile, TooLong } from './files.ts'

test('who owns the folder of a copy gets nobody else’s file cut or given away', async () => {
  const dir = fs.mkdtempSync('/var/tmp/stratolith-copy-')
  const [source, target, foreign] = ['source', 'target', 'foreign'].map((name) => path.join(dir, name))
  try {
    if (!source || !target || !foreign) throw new Error('there are three')
    fs.writeFileSync(source, 'short')
    fs.writeFileSync(foreign, 'much longer')
    const onBytes = () => {
      fs.rmSync(`${target}.part`)
      fs.symlinkSync(foreign, `${target}.part`)
    }
    const owner = { uid: 12345, gid: 12345 }
    await copyFile(source, target, { onBytes, owner })
    expect(fs.readFileSync(foreign, 'utf8')).toBe('much longer')
    expect(fs.statSync(foreign).uid).toBe(0)
    fs.rmSync(target)
    await copyFile(source, target, { owner })
    expect([fs.readFileSync(target, 'utf8'), fs.statSync(target).uid]).toEqual(['short', 12345])
  } finally {
    fs.rmSync(dir, { recursive: true, force: true })
  }
})

test('what is nobody’s bytes counts for nothing, and a file that never ends is given up at once', async () => {
  const dir = fs.mkdtempSync('/var/tmp/stratolith-copy-')
  const [source, target] = [path.join(dir, 'source'), path.join(dir, 'target')]
  const mib = 1024 ** 2
  try {
    fs.writeFileSync(source, Buffer.alloc(mib, 'A'))
    fs.truncateSync(source, 64 * mib)
    fs.appendFileSync(source, 'the end')
    let stored = 0
    const onBytes = (bytes: number) => {
      stored += bytes
    }
    const copied = await copyFile(source, target, { onBytes, most: 65 * mib })
    expect([copied.sizeBytes, stored]).toEqual([64 * mib + 7, mib + 7])
    expect(fs.readFileSync(target).equals(fs.readFileSync(source))).toBe(true)
    expect(fs.statSync(target).blocks * 512).toBeLessThan(3 * mib)

    await copyFile(source, target, { from: 64 * mib })
    expect(fs.readFileSync(target, 'utf8')).toBe('the end')
    fs.truncateSync(source, 2 ** 43)
    await expect(copyFile(source, target, { most: 65 * mib })).rejects.toThrow(TooLong)
    // It grows while it is copied.
    fs.truncateSync(source, 64 * mib)
    const grow = () => fs.truncateSync(source, 2 ** 43)
    await expect(copyFile(source, target, { onBytes: grow, most: 65 * mib })).rejects.toThrow(
      /8192\.00 GiB long and can be 65\.0 MiB at most/,
    )
    expect(fs.readFileSync(target, 'utf8')).toBe('the end')
    expect(fs.readdirSync(dir).sort()).toEqual(['source', 'target'])
  } finally {
    fs.rmSync(dir, { recursive: true, force: true })
  }
})
