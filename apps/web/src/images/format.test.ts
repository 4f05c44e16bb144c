import { describe, expect, it } from 'vitest'
import { fileProblem, gibFor, guessFormat, guessName, nameAfter, readHead } from './format.ts'

const qcow2 = (virtualBytes: bigint) => {
  const head = new Uint8Array(64)
  head.set([0x51, 0x46, 0x49, 0xfb])
  new DataView(head.buffer).setBigUint64(24, virtualBytes)
  return head
}

describe('image files', () => {
  it('recognises qcow2 by its magic bytes and by nothing else', () => {
    expect(guessFormat(qcow2(1n))).toBe('qcow2')
    expect(guessFormat(new Uint8Array([0x51, 0x46, 0x49]))).toBe('raw')
    expect(guessFormat(new Uint8Array())).toBe('raw')
    expect(guessFormat(new TextEncoder().encode('QFI?'))).toBe('raw')
  })
  it('reads the size in a qcow2 header, and does not believe impossible values', () => {
    expect(readHead(qcow2(10n * 2n ** 30n), 4096)).toEqual({ format: 'qcow2', virtualBytes: 10 * 2 ** 30 })
    expect(readHead(qcow2(2n ** 63n), 4096).virtualBytes).toBe(4096)
    expect(readHead(new Uint8Array(64), 777)).toEqual({ format: 'raw', virtualBytes: 777 })
    expect(gibFor(2 ** 30 + 1)).toBe(2)
  })
  it('reads a head that is a view into a larger buffer', () => {
    const large = new Uint8Array(128)
    large.set(qcow2(5n * 2n ** 30n), 32)
    expect(readHead(large.subarray(32, 96), 1).virtualBytes).toBe(5 * 2 ** 30)
  })
  it('makes a name from a file name', () => {
    expect(guessName('debian-13-generic-amd64.qcow2')).toBe('debian-13-generic-amd64')
    expect(guessName('C:\\images\\core.img.xz')).toBe('core')
    expect(guessName('Plain name')).toBe('Plain name')
  })
  it('follows the chosen file, unless somebody has typed the name', () => {
    expect(nameAfter('', null, 'first.img')).toBe('first')
    expect(nameAfter('first', 'first.img', 'second.qcow2')).toBe('second')
    expect(nameAfter('mine', 'first.img', 'second.qcow2')).toBe('mine')
  })
  it('names the faults for which the server would refuse the file', () => {
    expect(fileProblem('a.img', 0, new Uint8Array())).toMatch(/empty/)
    expect(fileProblem('notes.txt', 5, new Uint8Array(5))).toMatch(/only 5 bytes/)
    expect(fileProblem('a.img.gz', 900, new Uint8Array([0x1f, 0x8b, 8]))).toMatch(/compressed/)
    expect(fileProblem('a.vmdk', 900, new TextEncoder().encode('KDMV'))).toMatch(/VMDK/)
    expect(fileProblem('a.qcow2', 900, qcow2(1n))).toBeNull()
  })
})
