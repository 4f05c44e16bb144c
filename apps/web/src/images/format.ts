import type { DiskFormat } from '@stratolith/api/images/contract'

export const formatName: Record<DiskFormat, string> = { raw: 'Raw', qcow2: 'QCOW2' }

/** The first bytes of every qcow2 file: "QFI" and 0xfb (QEMU, docs/interop/qcow2.txt). */
const qcow2Magic = [0x51, 0x46, 0x49, 0xfb]

/** Returns the format of a file by its first bytes; a file that is not qcow2 counts as raw. */
export const guessFormat = (head: Uint8Array): DiskFormat =>
  qcow2Magic.every((byte, index) => head[index] === byte) ? 'qcow2' : 'raw'

/** Returns the format and the virtual size in bytes, which stands in the header of qcow2 (big endian at offset 24). */
export function readHead(head: Uint8Array, fileBytes: number): { format: DiskFormat; virtualBytes: number } {
  const format = guessFormat(head)
  if (format === 'raw' || head.byteLength < 32) return { format, virtualBytes: fileBytes }
  const size = new DataView(head.buffer, head.byteOffset, head.byteLength).getBigUint64(24)
  return { format, virtualBytes: size > BigInt(Number.MAX_SAFE_INTEGER) ? fileBytes : Number(size) }
}

const endings = /\.(qcow2|qcow|img|raw|bin|iso|vmdk|gz|xz|zst|bz2)$/i

/** Returns "debian-13-generic-amd64" for "debian-13-generic-amd64.qcow2". */
export function guessName(fileName: string): string {
  let name = fileName.split(/[\\/]/).at(-1) ?? ''
  while (endings.test(name)) name = name.replace(endings, '')
  return name.trim()
}

/**
 * Returns the name in the form after another file was chosen: a typed name stays, and a guessed one follows the file.
 */
export const nameAfter = (name: string, fileBefore: string | null, file: string): string =>
  name === '' || (fileBefore !== null && name === guessName(fileBefore)) ? guessName(file) : name

/** The size of one block: no disk is smaller. */
const leastBytes = 512

/**
 * Returns the reason for which the server would surely refuse the file, before gigabytes are sent; null when there is
 * none.
 */
export function fileProblem(fileName: string, fileBytes: number, head: Uint8Array): string | null {
  if (fileBytes === 0) return 'This file is empty.'
  if (fileBytes < leastBytes)
    return `${fileName} has only ${fileBytes} bytes, which is less than one block of a disk: it is no image.`
  const starts = (...bytes: number[]) => bytes.every((byte, index) => head[index] === byte)
  const packed =
    starts(0x1f, 0x8b) ||
    starts(0xfd, 0x37, 0x7a, 0x58, 0x5a) ||
    starts(0x28, 0xb5, 0x2f, 0xfd) ||
    starts(0x42, 0x5a, 0x68)
  if (packed) return `${fileName} is compressed. Unpack it first: an image is a raw or qcow2 file.`
  if (starts(0x4b, 0x44, 0x4d, 0x56))
    return `${fileName} is a VMDK. Convert it: qemu-img convert -O qcow2 ${fileName} disk.qcow2`
  return null
}

/** Returns the whole GiB that a disk needs at least, for the hint under “minimum disk”. */
export const gibFor = (virtualBytes: number): number => Math.ceil(virtualBytes / 2 ** 30)
