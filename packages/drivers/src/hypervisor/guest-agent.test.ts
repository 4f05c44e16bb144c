import fs from 'node:fs'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { quiesced } from './guest-agent.ts'

const ends: (() => void)[] = []
afterEach(() => {
  for (const end of ends.splice(0)) end()
})

type Request = { execute: string; arguments?: { id?: number } }

/** A guest whose agent answers requests as `answer` says; returns the folder of the socket and the names of all requests. */
function guestWith(answer: (request: Request) => string | null) {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'strato-qga-'))
  const heard: string[] = []
  const server = net.createServer((socket) => {
    socket.on('error', () => undefined)
    socket.on('data', (chunk) => {
      for (const text of chunk.toString().trim().split('\n')) {
        const request: Request = JSON.parse(text)
        heard.push(request.execute)
        const said = answer(request)
        if (said !== null) socket.write(said)
      }
    })
  })
  server.listen(path.join(dir, 'qga'))
  ends.push(() => {
    server.close()
    fs.rmSync(dir, { recursive: true })
  })
  return { dir, heard }
}
const says = (value: unknown) => `${JSON.stringify({ return: value })}\n`
const inStep = ({ execute, arguments: args }: Request) => (execute === 'guest-sync' ? says(args?.id) : null)

test('the file systems hold still during the work and go on afterwards, also when the work fails', async () => {
  const { dir, heard } = guestWith((request) => inStep(request) ?? says(2))
  let during: string[] = []
  expect(
    await quiesced(dir, async () => {
      during = [...heard]
    }),
  ).toBe(true)
  expect(during).toEqual(['guest-sync', 'guest-fsfreeze-freeze'])
  expect(heard).toEqual([...during, 'guest-fsfreeze-thaw'])
  await expect(quiesced(dir, () => Promise.reject(new Error('no')))).rejects.toThrow('no')
  expect(heard.at(-1)).toBe('guest-fsfreeze-thaw')
})

test('the work is done without an agent, and with one that refuses, answers late or answers nonsense', async () => {
  let works = 0
  const work = async () => {
    works += 1
  }
  expect(await quiesced('/nowhere', work)).toBe(false)
  expect(await quiesced(guestWith(() => null).dir, work)).toBe(false)
  const refusing = guestWith((request) => inStep(request) ?? '{"error":{"class":"GenericError"}}\n')
  expect(await quiesced(refusing.dir, work)).toBe(false)
  expect(refusing.heard.filter((name) => name === 'guest-fsfreeze-thaw')).toHaveLength(3)
  const mad = guestWith(() => 'nonsense\n[]\n{"return":7}\n')
  expect(await quiesced(mad.dir, work)).toBe(false)
  expect(await quiesced(guestWith(() => 'x'.repeat(100_000)).dir, work)).toBe(false)
  expect(works).toBe(5)
}, 30_000)

test('an answer to an earlier request is not taken for the answer to ours', async () => {
  const { dir } = guestWith((request) =>
    request.execute === 'guest-sync' ? `\u00ff${says(1)}${inStep(request)}` : says(1),
  )
  expect(await quiesced(dir, async () => undefined)).toBe(true)
})
