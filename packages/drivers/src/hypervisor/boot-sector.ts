/**
 * Machine code of 16-bit boot sectors, as hex. They are what the accelerator probe boots and what
 * the tests use for a guest, so that neither needs an operating system image.
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
 * A guest for tests. Enables the ACPI power button, prints "hello" on COM1 and then, at each timer
 * tick, powers off (PM1a control 0x604) when the button was pressed and else serves one byte from
 * COM1: q powers off, i ignores the button from now on (and echoes i), f prints x for ever,
 * r resets, all others are echoed.
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
