import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { pino } from 'pino'
import { afterEach, expect, test } from 'vitest'
import { backgroundOp } from '../op.ts'
import { type IscsiPdu, opcodes, pduOf, pduReader } from './iscsi-pdu.ts'
import { type IscsiSession, openSession } from './iscsi-session.ts'
import { type Disk, read, write } from './scsi.ts'

/** What a target says to a command that it has got, by sending messages. */
type Answer = (say: Say, command: IscsiPdu) => void
/** `flags` and `words` as in the header; the tag of the command and the numbers of the session are filled in. */
type Say = (opcode: number, flags: number, words: Record<number, number>, data?: Buffer) => void

const servers: Server[] = []
const sockets: Socket[] = []
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy()
  for (const server of servers.splice(0)) server.close()
})

/** A session with a target that answers commands in ways that tgtd never does. */
async function sessionWith(answer: Answer, answerMs = 2_000): Promise<IscsiSession> {
  const server = createServer((socket) => {
    sockets.push(socket)
    let rounds = 0
    const take = pduReader(2 * 1024 ** 2, (pdu) => {
      const say: Say = (opcode, flags, words, data) =>
        socket.write(pduOf({ opcode, flags, lun: Buffer.alloc(8) }, { 16: pdu.tag, ...words }, data))
      if (pdu.opcode === opcodes.login) {
        rounds += 1
        const keys = ['AuthMethod=CHAP\0', 'CHAP_A=5\0CHAP_I=1\0CHAP_C=0x0102\0'][rounds - 1] ?? ''
        say(opcodes.loginResponse, pdu.flags, {}, Buffer.from(keys))
      } else if (pdu.opcode === opcodes.command || pdu.opcode === opcodes.dataOut) answer(say, pdu)
    })
    socket.on('data', take)
    socket.on('error', () => socket.destroy())
  })
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const portal = `127.0.0.1:${(server.address() as AddressInfo).port}`
  const op = backgroundOp(pino({ level: 'silent' }), 'test', 60_000)
  const access = { portal, target: 'iqn.test', user: 'u', secret: 's', initiator: 'iqn.us' }
  return openSession(op, access, answerMs)
}

const disk: Disk = {
  ...{ address: Buffer.alloc(8), number: 0, blockBytes: 512, sizeBytes: 1024 ** 3, unmaps: false },
}
const good = 0x81
const wantedBy = ({ header }: IscsiPdu) => header.readUInt32BE(20)

test('reads that begin at once are answered one after the other, each with its own data', async () => {
  const session = await sessionWith((say, command) => {
    const data = Buffer.alloc(wantedBy(command), command.header.readUInt32BE(38) + 1)
    setTimeout(() => say(opcodes.dataIn, good, {}, data), 5)
  })
  const found = await Promise.all([0, 1, 2, 3, 4, 5].map((no) => read(session, disk, no * 512, 512)))
  expect(found).toEqual([1, 2, 3, 4, 5, 6].map((byte) => Buffer.alloc(512, byte)))
})

test('when a target stays silent, every call that waits for its turn fails with the one under way', async () => {
  const session = await sessionWith(() => undefined, 200)
  const ended = await Promise.allSettled([0, 1, 2].map((no) => read(session, disk, no * 512, 512)))
  for (const one of ended) expect(one).toMatchObject({ status: 'rejected', reason: { code: 'unavailable' } })
})

test.each<[string, (say: Say) => void]>([
  ['sends no data and says that all is well', (say) => say(opcodes.response, 0x80, {})],
  ['sends a part and does not say so', (say) => say(opcodes.dataIn, good, {}, Buffer.alloc(512))],
  ['says that it has less', (say) => say(opcodes.dataIn, good | 2, { 44: 512 }, Buffer.alloc(512))],
  [
    'sends the same part twice',
    (say) => {
      say(opcodes.dataIn, 0, {}, Buffer.alloc(512))
      say(opcodes.dataIn, good, {}, Buffer.alloc(512))
    },
  ],
])('data that are missing never count as zeros: the target %s', async (_what, answer) => {
  const session = await sessionWith(answer)
  await expect(read(session, disk, 0, 1024)).rejects.toMatchObject({
    message: expect.stringMatching(/fewer data|another order|512 bytes of the 1024/),
  })
})

test('a write that the target has not asked for wholly is no success, and the same part is not sent twice', async () => {
  const bytes = Buffer.alloc(200 * 1024, 1)
  const early = await sessionWith((say, pdu) => {
    if (pdu.opcode === opcodes.command) say(opcodes.response, 0x80, {})
  })
  await expect(write(early, disk, 0, bytes)).rejects.toThrow(/has not taken all data/)
  const again = await sessionWith((say, pdu) => {
    if (pdu.opcode === opcodes.command)
      for (let n = 0; n < 2; n += 1) say(opcodes.readyToTransfer, 0x80, { 40: 8192, 44: 8192 })
  })
  await expect(write(again, disk, 0, bytes)).rejects.toThrow(/asks for data that are not there/)
})

test('messages that bring nothing do not keep a command waiting', async () => {
  const timers: NodeJS.Timeout[] = []
  const session = await sessionWith((say) => {
    timers.push(setInterval(() => say(opcodes.dataIn, 0, {}), 50))
  }, 300)
  try {
    await expect(read(session, disk, 0, 512)).rejects.toThrow(/has not answered for 0.3 s/)
  } finally {
    for (const timer of timers) clearInterval(timer)
  }
})

test('a reservation of another session ends a command within our own at once', async () => {
  let count = 0
  const session = await sessionWith((say) => {
    count += 1
    say(opcodes.response, 0x80, { 0: 0x21800018 })
  })
  const cdb = Buffer.alloc(16)
  await expect(session.run({ lun: disk.address, cdb, once: true })).rejects.toThrow(/has reserved a LUN/)
  expect(count).toBe(1)
})
