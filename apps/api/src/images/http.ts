import type { IncomingMessage } from 'node:http'
import type { FastifyInstance, FastifyPluginAsync, FastifyRequest } from 'fastify'
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
        return await uploadImage(ctx, { id: idOf(request), source: request.raw })
      } catch (error) {
        // The rest of the body is not read: the connection cannot be used for another request.
        if (!request.raw.readableEnded) reply.header('connection', 'close')
        throw error
      }
    })
    app.get('/download/images/:id', async (request, reply) => {
      const { stream, sizeBytes, md5 } = await downloadImage(await callerOf(request), { id: idOf(request) })
      reply.header('content-type', 'application/octet-stream').header('content-length', sizeBytes)
      if (md5) reply.header('content-md5', md5)
      return reply.send(stream)
    })
  }
}

function idOf(request: FastifyRequest): string {
  const parsed = idInput.safeParse(request.params)
  if (!parsed.success) throw notFound('image', String((request.params as { id?: unknown }).id ?? ''))
  return parsed.data.id
}
