import type { Duplex } from 'node:stream'
import { expect, it } from 'vitest'
import { type Context, op, until } from './conformance-world.ts'

/** Tests of consoles, for drivers that have the facet `console`. */
export function consoles(c: Context): void {
  const facet = () => {
    if (!c.driver.console) throw new Error('this suite needs a driver with consoles')
    return c.driver.console
  }

  it('carries bytes of the serial console both ways, for two viewers at once', async () => {
    const spec = await c.spec()
    await c.driver.ensure(op, spec)
    await c.harness.booted(spec.id)
    const stream = await facet().open(op, spec.id, 'serial')
    const echo = collect(stream)
    stream.write('abc')
    await until(() => echo.text.includes('abc'), 5_000)
    const second = collect(await facet().open(op, spec.id, 'serial'))
    second.stream.write('de')
    await until(() => second.text.includes('de'), 5_000)
    stream.destroy()
    second.stream.write('gh')
    await until(() => second.text.includes('gh'), 5_000)
    second.stream.destroy()
  })

  it('speaks RFB on the VNC console', async () => {
    const spec = await c.spec()
    await c.driver.ensure(op, spec)
    const stream = await facet().open(op, spec.id, 'vnc')
    const greeting = collect(stream)
    await until(() => greeting.text.startsWith('RFB 003.'), 5_000)
    stream.destroy()
  })

  it('closes consoles within a second when their guest ends, and refuses consoles of a guest that does not run', async () => {
    const spec = await c.spec()
    await c.driver.ensure(op, spec)
    const open = [await facet().open(op, spec.id, 'serial'), await facet().open(op, spec.id, 'vnc')]
    for (const stream of open) stream.resume()
    await c.driver.stop(op, spec.id)
    await until(() => open.every((stream) => stream.destroyed), 1_000)
    await expect(facet().open(op, spec.id, 'serial')).rejects.toMatchObject({ code: 'conflict' })
    await expect(facet().open(op, spec.id, 'vnc')).rejects.toMatchObject({ code: 'conflict' })
    await expect(facet().screenshot(op, spec.id)).rejects.toMatchObject({ code: 'conflict' })
  })

  it('keeps the serial output, by offset and by line, also of a guest that is off', async () => {
    const spec = await c.spec()
    await c.driver.ensure(op, spec)
    await c.harness.booted(spec.id)
    await c.driver.stop(op, spec.id)
    const all = await facet().log(op, spec.id, { maxBytes: 10_000 })
    expect(all).toEqual({ text: 'hello\r\n', offset: 0, next: 7 })
    expect(await facet().log(op, spec.id, { offset: 2, maxBytes: 3 })).toEqual({
      text: 'llo',
      offset: 2,
      next: 5,
    })
    expect(await facet().log(op, spec.id, { offset: 7, maxBytes: 3 })).toEqual({
      text: '',
      offset: 7,
      next: 7,
    })
    await c.driver.start(op, spec.id)
    await c.harness.booted(spec.id)
    expect(await facet().log(op, spec.id, { maxBytes: 100, tailLines: 1 })).toEqual({
      text: 'hello\r\n',
      offset: 7,
      next: 14,
    })
  })

  it('takes a picture of the screen', async () => {
    const spec = await c.spec()
    await c.driver.ensure(op, spec)
    const png = await facet().screenshot(op, spec.id)
    expect(png.subarray(0, 8).toString('latin1')).toBe('\x89PNG\r\n\x1a\n')
  })
}

function collect(stream: Duplex): { readonly text: string; stream: Duplex } {
  let text = ''
  stream.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1')
  })
  return {
    stream,
    get text() {
      return text
    },
  }
}
