import type { IncomingMessage } from 'node:http'
import type { FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import type { Ctx } from '../kernel/context.ts'
import { idInput } from '../kernel/contract.ts'
import { notFound } from '../kernel/errors.ts'
import { downloadImage, uploadImage } from './service.ts'

/** PUT /upload/images/:id and GET /download/images/:id carry the bytes of images, which tRPC cannot carry. */
export function imageRoutes(callerOf: (request: FastifyRequest) => Promise<Ctx>): FastifyPluginAsync {
  return async (app: FastifyInstance) => {
    app.removeAllContentTypeParsers()
    // Whatever content type the client names, the body stays a stream and never becomes a buffer.
    app.addContentTypeParser('*', (_request, payload: IncomingMessage, done) => done(null, payload))
    app.put('/upload/images/:id', async (request, reply) => {
      const ctx = await callerOf(request)
      try {
        return await uploadImage(ctx, {
          id: idOf(request),
          source: request.raw,
          announcedBytes: announcedBytes(request.raw),
        })
      } catch (error) {
        await answerUnread(request.raw, reply)
        throw error
      }
    })
    app.get('/download/images/:id', async (request, reply) => {
      const { open, sizeBytes, md5 } = await downloadImage(await callerOf(request), { id: idOf(request) })
      reply.header('content-type', 'application/octet-stream').header('content-length', sizeBytes)
      if (md5) reply.header('content-md5', md5)
      return reply.send(await open())
    })
  }
}

/** How much of a refused body is read, so that a client that sends its whole body before it reads hears the reason. */
const politeBytes = 64 * 1024 ** 2
const politeMs = 3000

/**
 * Call this before the answer to a request whose body was not read to its end. The function reads and discards a
 * limited amount of the body, and ends the connection after the answer, because the rest of the body would stand before
 * the next request.
 */
export async function answerUnread(request: IncomingMessage, reply: FastifyReply): Promise<void> {
  if (request.readableEnded || request.destroyed) return
  reply.header('connection', 'close')
  let left = politeBytes
  await new Promise<void>((resolve) => {
    const done = () => {
      clearTimeout(timer)
      request.off('data', count).off('end', done).off('close', done).off('error', done)
      request.pause()
      resolve()
    }
    const count = (chunk: Buffer) => {
      left -= chunk.length
      if (left <= 0) done()
    }
    const timer = setTimeout(done, politeMs)
    request.on('data', count).on('end', done).on('close', done).on('error', done)
  })
}

/** The value of Content-Length in bytes; undefined when the sender does not name the length. */
export function announcedBytes(request: IncomingMessage): number | undefined {
  const text = request.headers['content-length']
  return text === undefined ? undefined : Number(text)
}

function idOf(request: FastifyRequest): string {
  const parsed = idInput.safeParse(request.params)
  if (!parsed.success) throw notFound('image', String((request.params as { id?: unknown }).id ?? ''))
  return parsed.data.id
}
