import { Readable } from 'node:stream'
import { z } from 'zod'
import { CloudError } from '../../kernel/errors.ts'
import { HttpError } from '../../openstack/errors.ts'
import type { ApiOperation, Call } from '../../openstack/operation.ts'
import type { ImageData } from '../download.ts'
import { announcedBytes, answerUnread } from '../http.ts'
import {
  downloadImage,
  getImage,
  imageDeleted,
  importStagedImage,
  untilImported,
  uploadImage,
} from '../service.ts'
import { idOf } from './answers.ts'
import { byteRange } from './byte-range.ts'
import { importMethods } from './info.ts'
import { storeId } from './views.ts'

/** Operations on the bytes of images: upload in one request, staging and import, and download. */
export const dataOperations: ApiOperation[] = [
  {
    name: 'images.file.upload',
    method: 'PUT',
    path: '/images/:id/file',
    summary: 'Upload the data of an image',
    status: 204,
    access: 'write',
    stream: true,
    deviation:
      'Data that is not what was declared kills the image (400 with the reason); Glance leaves it queued.',
    handle: (call) =>
      unlessDeleted(async () => {
        await receive(call, false)
        await untilImported(call.ctx, idOf(call))
      }),
  },
  {
    name: 'images.file.download',
    method: 'GET',
    path: '/images/:id/file',
    summary: 'Download the data of an image',
    status: 200,
    access: 'read',
    handle: download,
  },
  {
    name: 'images.stage',
    method: 'PUT',
    path: '/images/:id/stage',
    summary: 'Stage the data of an image for its import',
    status: 204,
    access: 'write',
    stream: true,
    handle: (call) => unlessDeleted(() => receive(call, true)),
  },
  {
    name: 'images.import',
    method: 'POST',
    path: '/images/:id/import',
    summary: 'Import an image',
    status: 202,
    access: 'write',
    deviation: `Methods: ${importMethods.join(', ')}. Nothing is fetched from addresses that a tenant gives.`,
    handle: async (call) => {
      const { method, stores } = importBody.parse(call.body)
      if (!importMethods.includes(method.name))
        throw new HttpError(400, `There is no import method of that name here; there is ${importMethods}.`)
      if (stores?.some((store) => store !== storeId))
        throw new HttpError(409, `There is one store here: ${storeId}.`)
      await importStagedImage(call.ctx, { id: idOf(call) })
    },
  },
]

const importBody = z.object({
  method: z.object({ name: z.string().max(64) }),
  stores: z.array(z.string().max(255)).max(16).optional(),
  all_stores: z.boolean().optional(),
  all_stores_must_succeed: z.boolean().optional(),
})

/** Answers 410 when the image was deleted during the upload, at whatever moment. */
async function unlessDeleted(work: () => Promise<void>): Promise<void> {
  await work().catch((error: unknown) => {
    const gone = error instanceof CloudError && error.reason === imageDeleted
    throw gone ? new HttpError(410, error.message, { cause: error }) : error
  })
}

async function receive(call: Call, stage: boolean): Promise<void> {
  const { raw } = call.request
  try {
    await uploadImage(call.ctx, {
      id: idOf(call),
      source: raw,
      stage,
      announcedBytes: announcedBytes(raw),
    })
  } catch (error) {
    await answerUnread(raw, call.reply)
    throw error
  }
}

async function download(call: Call): Promise<unknown> {
  const data = await dataOf(call)
  if (!data) return void call.reply.status(204)
  const etag = data.md5 === null ? null : `"${data.md5}"`
  if (etag !== null) call.reply.header('ETag', etag)
  const range = byteRange(call.request.headers, data.sizeBytes, etag)
  const length = range ? range.end - range.start + 1 : data.sizeBytes
  call.reply.header('Content-Type', 'application/octet-stream').header('Content-Length', length)
  if (range)
    call.reply.status(206).header('Content-Range', `bytes ${range.start}-${range.end}/${data.sizeBytes}`)
  else if (data.md5) call.reply.header('Content-MD5', data.md5)
  // An empty stream, so that the content length that was set above stays.
  if (call.request.method === 'HEAD') return call.reply.send(Readable.from([]))
  return call.reply.send(await data.open(range ?? undefined))
}

/** Opens the data of the image. Null: the image has no data yet, which is no error. */
async function dataOf(call: Call): Promise<ImageData | null> {
  const id = idOf(call)
  try {
    return await downloadImage(call.ctx, { id })
  } catch (error) {
    if (!(error instanceof CloudError)) throw error
    if (error.code === 'conflict') return null
    if (error.code !== 'forbidden') throw error
    const { state } = await getImage(call.ctx, { id })
    if (state !== 'deactivated') throw error
    throw new HttpError(403, 'The requested image has been deactivated. Its data cannot be downloaded.', {
      cause: error,
    })
  }
}
