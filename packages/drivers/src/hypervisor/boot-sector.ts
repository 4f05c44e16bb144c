/**
 * Makes a boot sector from 16-bit machine code in hex. The accelerator probe boots one of them and
 * the tests use the others as guests, so that neither needs an operating system image.
 */
function bootSector(code: string): Buffer {
  const sector = Buffer.alloc(512)
  sector.write(code, 'hex')
  sector.writeUInt16BE(0x55aa, 510)
  return sector
}

/**
 * Writes 0x10 to port 0xf4, which isa-debug-exit turns into QEMU's exit status 33:
 * mov dx,0xf4; mov al,0x10; out dx,al; hlt; jmp to the hlt.
 */
export const probeSector = bootSector('baf400b010eef4ebfd')

/**
 * A guest for tests. It enables the ACPI power button, prints "hello" on COM1 and then, at each timer
 * tick, powers off (PM1a control 0x604) when the button was pressed, and otherwise serves one byte from
 * COM1: q powers off, i ignores the button from now on (and is echoed), f prints x for ever,
 * r resets, all other bytes are echoed.
 */
const testGuest = bootSector(
  'fa31c08ed8ba0206b80001efbe687cac84c07406baf803eeebf5fbf4ba0006ed' +
    'f6c401752dbafd03eca80174edbaf803ec3c71741d3c69740b3c6674263c7274' +
    '1aeeebd6ba020631c0efbaf803b069eeebc8ba0406b80020efebbfbaf90cb006' +
    'eeebb7b078eeebfb68656c6c6f0d0a00',
)

/** A whole disk (1 MiB: firmware does not boot from a smaller one) with the test guest on it. */
export function testGuestDisk(): Buffer {
  return Buffer.concat([testGuest], 1024 * 1024)
}

/**
 * A guest for tests that writes to its disk for ever, some hundreds of sectors a second: at its start
 * the guest raises the byte at offset 512 (BIOS int 0x13, functions 0x42 and 0x43), prints "boot N" on
 * COM1 and then writes N = 1, 2, … into bytes 4 to 7 of sector 2048 + 128 * (N % 512).
 * At any moment the numbers on the disk are therefore a run without a gap.
 */
const writingGuest = bootSector(
  'fa31c08ed88ec08ed0bc007cfbb442e85800fe060080b443e84f00be747cbaf803ac84c07403eeebf8a0008004' +
    '30eeb00deeb00aee66c70604800000000066ff06048066a104806625ff01000066c1e00766050008000066a384' +
    '7cb443e80a00f60604803f75d7f4ebd430c0be7c7cb280cd13c3626f6f74200066901000010000800000010000' +
    '0000000000',
)
/**
 * A guest for tests of its second and third disk: it prints "hello" on COM1 and then writes 1, 2, … for ever into the first
 * four bytes of the one and of the other (BIOS int 0x13, function 0x43). So the two numbers differ by one at most.
 */
const alternatingGuest = bootSector(
  'fa31c08ed88ec08ed0bc007cbe347cbaf803ac84c07403eeebf866ff060080b281e80700b282e80200ebef' +
    'be3c7cb80043cd13c368656c6c6f0d0a0010000100008000000000000000000000',
)
export function alternatingGuestDisk(): Buffer {
  return Buffer.concat([alternatingGuest], 1024 * 1024)
}

/** The offsets on the disk, in bytes, at which the numbers are. */
export const writingGuestPlaces = Array.from({ length: 512 }, (_, n) => (2048 + 128 * n) * 512 + 4)

export function writingGuestDisk(): Buffer {
  return Buffer.concat([writingGuest], 1024 * 1024)
}
