import { describe, expect, it } from 'vitest'
import { describeBroken } from './broken.ts'

describe('a page that broke', () => {
  it('asks to load the page again when code did not arrive, and names no file', () => {
    const error = Object.assign(new Error('Failed to load chunk /_next/static/chunks/3jhi.js'), {
      name: 'ChunkLoadError',
    })
    expect(describeBroken(error)).toMatchObject({ reload: true })
    expect(describeBroken(error).text).not.toContain('chunk')
  })
  it('says what went wrong, with the digest of the server', () => {
    const error = Object.assign(new Error('No list'), { digest: '17' })
    expect(describeBroken(error)).toEqual({ title: 'This page broke', text: 'No list (17)', reload: false })
  })
})
