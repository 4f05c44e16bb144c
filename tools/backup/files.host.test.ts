import fs from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { copyFile } from './files.ts'

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
