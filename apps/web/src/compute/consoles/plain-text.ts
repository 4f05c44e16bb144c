/**
 * Returns serial output as text: without escape sequences (ECMA-48: CSI, OSC and the two-character ones), carriage
 * returns and other control characters. The guest chooses these bytes, so none of them is ever interpreted.
 */
export function plainText(output: string): string {
  return (
    output
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what we look for
      .replaceAll(/\u001b\][^\u0007\u001b]*(?:\u0007|\u001b\\)?/g, '')
      // biome-ignore lint/suspicious/noControlCharactersInRegex: as above
      .replaceAll(/\u001b\[[0-?]*[ -/]*[@-~]?|\u001b[ -/]*[0-~]?/g, '')
      .replaceAll('\r\n', '\n')
      // biome-ignore lint/suspicious/noControlCharactersInRegex: as above
      .replaceAll(/[\u0000-\u0008\u000b-\u001f\u007f]/g, '')
  )
}
