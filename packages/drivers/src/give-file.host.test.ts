import { spawn } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { giveFile } from './give-file.ts'
import { defaultGuestUids, readGuestUids } from './guest-uids.ts'

const dir = fs.mkdtempSync('/var/tmp/stratolith-give-')
fs.chmodSync(dir, 0o711)
afterAll(() => fs.rmSync(dir, { recursive: true, force: true }))
const uids = readGuestUids(defaultGuestUids)
if (typeof uids === 'string') throw new Error(uids)
const { first } = uids.guests

test('the owner of before cannot keep the file open to everybody', async () => {
  const file = path.join(dir, 'disk')
  fs.writeFileSync(file, 'x')
  fs.chownSync(file, first, first)
  const opens = 'open my $f, "+<", $ARGV[0] or die; $| = 1; print "ready"; while (1) { chmod 0666, $f }'
  const owner = spawn('setpriv', [
    `--reuid=${first}`,
    `--regid=${first}`,
    '--clear-groups',
    'perl',
    '-e',
    opens,
    file,
  ])
  await new Promise((resolve) => owner.stdout.once('data', resolve))
  try {
    for (let round = 0; round < 200; round += 1) {
      const next = round % 2 === 0 ? 0 : first + 1
      await giveFile(file, next)
      expect(fs.statSync(file)).toMatchObject({ uid: next, gid: next, mode: 0o100600 })
      fs.chownSync(file, first, first)
    }
  } finally {
    owner.kill('SIGKILL')
  }
})
