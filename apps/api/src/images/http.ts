import type { IncomingMessage } from 'node:http'
import type { FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import type { Ctx } from '../kernel/context.ts'
import { idInput } from '../kernel/contract.ts'
import { notFound } from '../kernel/errors.ts'
import { downloadImage, uploadImage } from './service.ts'

/** PUT /upload/images/:id and GET /download/images/:id: the bytes that tRPC cannot carry. */
export function imageRoutes(callerOf: (request: FastifyRequest) => Promise<Ctx>): FastifyPluginAsync {
  return async (app: FastifyInstance) => {
    app.removeAllContentTypeParsers()
    // Whatever the type says: the body stays a stream, never a buffer.
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

/** Read of a body that is refused, so that a client which sends it whole before it reads hears why. */
const politeBytes = 64 * 1024 ** 2
const politeMs = 3000

/**
 * Before an answer to a body that was not read to its end: takes and forgets a little more of it,
 * and ends the connection after the answer, because the rest of the body would be in its way.
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

/** Content-Length, when the sender says it. */
export function announcedBytes(request: IncomingMessage): number | undefined {
  const text = request.headers['content-length']
  return text === undefined ? undefined : Number(text)
}

function idOf(request: FastifyRequest): string {
  const parsed = idInput.safeParse(request.params)
  if (!parsed.success) throw notFound('image', String((request.params as { id?: unknown }).id ?? ''))
  return parsed.data.id
}
