import { DriverError } from '../errors.ts'

/** Messages of iSCSI (RFC 7143, section 11): a header of 48 bytes, and data that are filled up to whole words. */

export const opcodes = {
  ...{ nopOut: 0x00, command: 0x01, login: 0x03, dataOut: 0x05, logout: 0x06 },
  ...{ nopIn: 0x20, response: 0x21, loginResponse: 0x23, dataIn: 0x25, logoutResponse: 0x26 },
  ...{ readyToTransfer: 0x31, asyncMessage: 0x32, reject: 0x3f },
} as const
export const headerBytes = 48
/** The value of a tag that names nothing. */
export const noTag = 0xffffffff

export type IscsiPdu = { opcode: number; flags: number; tag: number; header: Buffer; data: Buffer }
/** What varies in the first words of a header. `lun`: 8 bytes, in a login those of the session. */
export type PduFields = { opcode: number; flags: number; lun: Buffer }

/** The bytes of a message. `words` are further 32-bit numbers of the header, by their offset. */
export function pduOf(
  { opcode, flags, lun }: PduFields,
  words: Readonly<Record<number, number>>,
  data: Buffer = Buffer.alloc(0),
): Buffer {
  const header = Buffer.alloc(headerBytes)
  header[0] = opcode
  header[1] = flags
  header.writeUIntBE(data.length, 5, 3)
  lun.copy(header, 8)
  for (const [at, value] of Object.entries(words)) header.writeUInt32BE(value >>> 0, Number(at))
  return Buffer.concat([header, data, Buffer.alloc(padding(data.length))])
}

const padding = (length: number): number => (4 - (length % 4)) % 4

/** Cuts a stream of bytes into messages. */
export function pduReader(mostData: number, onPdu: (pdu: IscsiPdu) => void): (chunk: Buffer) => void {
  let chunks: Buffer[] = []
  let length = 0
  let needed = headerBytes
  return (chunk) => {
    chunks.push(chunk)
    length += chunk.length
    while (length >= needed) {
      const bytes = chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks)
      const dataLength = bytes.readUIntBE(5, 3)
      const dataAt = headerBytes + (bytes[4] ?? 0) * 4
      if (dataLength > mostData)
        throw new DriverError('unavailable', 'The target sends more than was agreed on.')
      needed = dataAt + dataLength + padding(dataLength)
      chunks = [bytes]
      if (length < needed) return
      const header = bytes.subarray(0, headerBytes)
      const data = bytes.subarray(dataAt, dataAt + dataLength)
      const [opcode, flags] = [(header[0] ?? 0) & 0x3f, header[1] ?? 0]
      onPdu({ opcode, flags, tag: header.readUInt32BE(16), header, data })
      chunks = [bytes.subarray(needed)]
      length -= needed
      needed = headerBytes
    }
  }
}
