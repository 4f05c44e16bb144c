import crypto from 'node:crypto'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { call, closeGlance, cloud, disk, made, openGlance, show } from './glance.testing.ts'

/** Uploads that are cut: the image is deleted meanwhile, or the uploader breaks off. */
beforeAll(openGlance)
afterAll(closeGlance)

/** An upload that stays open until `rest` is called. */
function begin(id: string, road: 'file' | 'stage', bytes: Buffer) {
  const { port } = cloud.app.server.address() as AddressInfo
  const request = http.request({
    ...{ host: '127.0.0.1', port, method: 'PUT', path: `/image/v2/images/${id}/${road}` },
    headers: {
      'x-auth-token': cloud.tokens.ownerMember,
      'content-type': 'application/octet-stream',
      'content-length': bytes.length,
    },
  })
  const answer = new Promise<number | string>((resolve) => {
    request.on('response', (response) => {
      response.resume().on('end', () => resolve(response.statusCode ?? 0))
    })
    request.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'error'))
  })
  const half = Math.floor(bytes.length / 2)
  request.write(bytes.subarray(0, half))
  return {
    answer,
    request,
    rest: () => request.end(bytes.subarray(half)),
  }
}
/** A busy machine needs more than a second, which vitest would wait. */
const patience = { timeout: 20_000 }
const isUnderWay = (id: string) =>
  vi.waitFor(async () => expect(['saving', 'uploading']).toContain((await show(id)).json.status), patience)

describe('an image that is deleted during its upload', () => {
  test.each(['file', 'stage'] as const)('%s: the uploader hears 410 in every case', async (road) => {
    const heard = []
    for (let i = 0; i < 4; i++) {
      const id = await made()
      const upload = begin(id, road, disk())
      await isUnderWay(id)
      const deleted = call('DELETE', `/v2/images/${id}`)
      // The upload goes on at once, when the image is deleted, or when the upload has noticed the deletion by itself.
      if (i > 0) expect((await deleted).status).toBe(204)
      if (i > 1) await sleep(i * 300)
      upload.rest()
      heard.push(await upload.answer)
      await deleted
    }
    // The first upload and its deletion meet: whichever PostgreSQL takes first, the image is gone in the end.
    expect([204, 410]).toContain(heard[0])
    expect(heard.slice(1)).toEqual([410, 410, 410])
  })

  test('the uploader also hears 410 when the image is deleted during its import', async () => {
    const id = await made()
    const upload = begin(id, 'file', disk())
    await isUnderWay(id)
    upload.rest()
    await vi.waitFor(
      async () =>
        expect(
          (await cloud.world.deps.root.image.findUniqueOrThrow({ where: { id } })).blobId,
        ).not.toBeNull(),
      patience,
    )
    expect((await call('DELETE', `/v2/images/${id}`)).status).toBe(204)
    expect(await upload.answer).toBe(410)
    await cloud.owner.settle()
  })
})

describe('an uploader that breaks off', () => {
  test('leaves the image queued, and no error of the cloud in the log', async () => {
    const error = vi.spyOn(cloud.world.deps.log, 'error')
    const broken: unknown[] = []
    const note = (what: unknown) => broken.push(what)
    process.on('uncaughtExceptionMonitor', note)
    process.on('unhandledRejection', note)
    try {
      for (const road of ['file', 'stage'] as const)
        for (const wait of [0, 50, 200]) {
          const id = await made({ disk_format: 'raw' })
          const upload = begin(id, road, crypto.randomBytes(3_000_000))
          await sleep(wait)
          upload.request.destroy()
          expect(await upload.answer).not.toBe(204)
          await vi.waitFor(async () => expect((await show(id)).json.status).toBe('queued'), 20_000)
        }
      await sleep(3_500)
    } finally {
      process.off('uncaughtExceptionMonitor', note)
      process.off('unhandledRejection', note)
    }
    expect(broken).toEqual([])
    expect(error.mock.calls).toEqual([])
  })
})
