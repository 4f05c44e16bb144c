import { describe, expect, it } from 'vitest'
import { againAfter, closeReason, refusalText, retryAfterMs } from './close-reason.ts'
import { consoleUrl } from './console-url.ts'
import { afterLog } from './join-log.ts'
import { keystrokes, leavesConsole } from './keystrokes.ts'
import { askAgainMs, isAway } from './log-away.ts'
import { plainText } from './plain-text.ts'

describe('the reason why a console closed', () => {
  const broke = { code: 1006, reason: '', opened: true }
  it('is the cloud’s own sentence, else the instance’s state, and never a number', () => {
    expect(closeReason({ code: 4000, reason: 'The session has ended.', opened: true }, null)).toBe(
      'The session has ended.',
    )
    expect(closeReason(broke, 'A console needs a running instance; this one is stopped.')).toMatch(/stopped/)
    for (const code of [1000, 1001, 1005, 1006, 1009, 1011, 1012])
      for (const opened of [true, false]) {
        const sentence = closeReason({ code, reason: '', opened }, null)
        expect(sentence).toMatch(/^The .+\.$/)
        expect(sentence).not.toContain(String(code))
      }
  })
  it('leads to a few tries, but to none after a deliberate end', () => {
    expect([0, 2, 4, 5].map((tries) => retryAfterMs(againAfter(broke), tries))).toEqual([
      1000,
      8000,
      30_000,
      null,
    ])
    expect(retryAfterMs(againAfter({ code: 4000 }), 0)).toBeNull()
  })
  it('may be that the machine does not answer: then tries are seldom and do not end', () => {
    const away = { code: 4001, reason: 'The machine that this instance is on does not answer.', opened: true }
    expect(closeReason(away, null)).toBe(away.reason)
    expect([0, 1, 500].map((tries) => retryAfterMs(againAfter(away), tries))).toEqual([
      15_000, 15_000, 15_000,
    ])
  })
})

it('a console is on the origin of the page', () => {
  expect(consoleUrl('/console/?token=abc', 'https://cloud.example')).toBe(
    'wss://cloud.example/console/?token=abc',
  )
  expect(consoleUrl('/console/?token=abc', 'http://127.0.0.1:8080')).toBe(
    'ws://127.0.0.1:8080/console/?token=abc',
  )
})

describe('log and live text', () => {
  it('are joined without losses and repetitions', () => {
    expect(afterLog('boot\nlogin: ', 'login: ')).toBe('')
    expect(afterLog('boot\nlog', 'oot\nlogin: ')).toBe('in: ')
    expect(afterLog('', 'hello')).toBe('hello')
    expect(afterLog('abc', 'xyz')).toBe('xyz')
  })
})

describe('pasted text', () => {
  it('becomes keys of a US keyboard', () => {
    expect(keystrokes('aB!\n')).toEqual([
      { keysym: 0x61, shift: false },
      { keysym: 0x42, shift: true },
      { keysym: 0x21, shift: true },
      { keysym: 0xff0d, shift: false },
    ])
    expect(keystrokes('\r\n\t€').map((key) => key.keysym)).toEqual([0xff0d, 0xff09, 0x10020ac])
    expect(keystrokes('\u0003\u001b')).toEqual([])
  })
})

it('a log is shown without bytes that would steer a terminal', () => {
  expect(plainText('\u001b[1;32mok\u001b[0m\r\n\u001b]0;title\u0007login: \u001bc\u0000')).toBe('ok\nlogin: ')
  expect(plainText('a\tb')).toBe('a\tb')
})

describe('a log that cannot be read now', () => {
  const cloud = { code: 'unavailable', message: 'silent', requestId: 'r', field: null, retryable: true }

  it('is asked for again by itself, whether the reader follows it or not, but less often than a followed log', () => {
    expect(askAgainMs(cloud, false)).toBe(5_000)
    expect(askAgainMs(cloud, true)).toBe(5_000)
    expect(askAgainMs(null, true)).toBe(2_000)
    expect(askAgainMs(null, false)).toBe(false)
  })

  it('is not asked for again when it can never be read', () => {
    expect(isAway(null)).toBe(false)
    expect(isAway({ ...cloud, code: 'unsupported', retryable: false })).toBe(false)
    expect(askAgainMs({ ...cloud, retryable: false }, false)).toBe(false)
  })
})

it('a fault of the cloud is said with the id of the request, which the administrator is asked for', () => {
  const fault = { code: 'internal', message: 'Give the request id.', field: null, retryable: false } as const
  expect(refusalText({ ...fault, requestId: 'req-1' })).toBe('Give the request id. Request req-1')
  expect(refusalText({ ...fault, code: 'conflict', requestId: 'req-1' })).toBe('Give the request id.')
  expect(refusalText({ ...fault, requestId: '' })).toBe('Give the request id.')
})

it('the console leaves one key combination to the page, and no other', () => {
  const x = { ctrlKey: true, shiftKey: true, code: 'KeyX' }
  expect(leavesConsole(x)).toBe(true)
  expect(leavesConsole({ ...x, shiftKey: false }), 'Ctrl+X is the guest’s').toBe(false)
  expect(leavesConsole({ ...x, code: 'KeyV' })).toBe(false)
})
