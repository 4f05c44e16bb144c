import crypto from 'node:crypto'
import fs from 'node:fs'
import http from 'node:http'
import path from 'node:path'
import { Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { type Cloud, signedIn } from '../../e2e/support/cloud.ts'
import { cat } from './machine.ts'
import { median, type Report, timed } from './report.ts'

const bytes = 1024 ** 3
const rounds = 3
const mb = bytes / 1e6

/**
 * Measures the upload of one GiB at Glance's door (until the image is active: hashed, synced to the disk, imported)
 * and its download, beside `cat` of the same file to the same disk (with sync, for the upload).
 */
export async function images(cloud: Cloud, report: Report): Promise<void> {
  const dir = fs.mkdtempSync(path.join(path.dirname(cloud.data), 'stratolith-bench-image-'))
  const file = path.join(dir, 'disk.raw')
  try {
    await fill(file)
    const { token } = await signedIn(cloud, 'admin')
    const times = { up: [] as number[], down: [] as number[], catUp: [] as number[], catDown: [] as number[] }
    for (let round = 0; round < rounds; round++) {
      stamp(file)
      times.catUp.push(cat(file, path.join(dir, 'copy'), true))
      times.catDown.push(cat(file, path.join(dir, 'copy'), false))
      const door = { base: `${cloud.url}/image/v2/images`, token }
      const id = await create(door)
      times.up.push((await timed(() => upload(door, id, file))).ms)
      times.down.push((await timed(() => download(door, id))).ms)
      await send(door, 'DELETE', `/${id}`)
    }
    const rate = (ms: number[]) => mb / (median(ms) / 1000)
    report({
      metric: 'image upload of 1 GiB',
      value: rate(times.up),
      unit: 'MB/s',
      floor: rate(times.catUp),
      note: 'raw, PUT /v2/images/{id}/file until active: MD5, SHA-256 and SHA-512, synced, imported; the client on the same processors; floor: cat to the same disk and sync',
    })
    report({
      metric: 'image download of 1 GiB',
      value: rate(times.down),
      unit: 'MB/s',
      floor: rate(times.catDown),
      note: 'GET /v2/images/{id}/file, thrown away by the client; floor: cat to the same disk',
    })
  } finally {
    fs.rmSync(dir, { recursive: true, force: true })
  }
}

/** Fills a file with random bytes, so that nothing on the way can compress them. */
async function fill(file: string): Promise<void> {
  const block = crypto.randomBytes(16 * 1024 ** 2)
  const handle = await fs.promises.open(file, 'w')
  for (let at = 0; at < bytes; at += block.length) await handle.write(block, 0, block.length, at)
  await handle.close()
}

/** Changes the bytes for each round, because images with equal bytes would share one file. */
function stamp(file: string): void {
  const handle = fs.openSync(file, 'r+')
  fs.writeSync(handle, crypto.randomBytes(64), 0, 64, 4096)
  fs.closeSync(handle)
}

type Door = { base: string; token: string }

async function create(door: Door): Promise<string> {
  const body = JSON.stringify({ name: 'bench', disk_format: 'raw', container_format: 'bare' })
  const answer = await send(door, 'POST', '', body)
  return ((await answer.json()) as { id: string }).id
}

async function send({ base, token }: Door, method: string, where: string, body?: string): Promise<Response> {
  const headers = {
    'x-auth-token': token,
    ...(body === undefined ? {} : { 'content-type': 'application/json' }),
  }
  const answer = await fetch(base + where, { method, headers, ...(body === undefined ? {} : { body }) })
  if (!answer.ok) throw new Error(`${method} of an image: ${answer.status} ${await answer.text()}`)
  return answer
}

async function upload({ base, token }: Door, id: string, file: string): Promise<void> {
  const headers = {
    'x-auth-token': token,
    'content-type': 'application/octet-stream',
    'content-length': bytes,
  }
  const request = http.request(`${base}/${id}/file`, { method: 'PUT', headers })
  const answered = new Promise<number>((resolve, reject) => {
    request.once('error', reject)
    request.once('response', (response) => {
      response.resume()
      resolve(response.statusCode ?? 0)
    })
  })
  await pipeline(fs.createReadStream(file, { highWaterMark: 1024 ** 2 }), request)
  const status = await answered
  if (status !== 204) throw new Error(`The upload was answered with ${status}.`)
}

async function download({ base, token }: Door, id: string): Promise<void> {
  const response = await new Promise<http.IncomingMessage>((resolve, reject) => {
    http.get(`${base}/${id}/file`, { headers: { 'x-auth-token': token } }, resolve).once('error', reject)
  })
  let got = 0
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      got += chunk.length
      done()
    },
  })
  await pipeline(response, sink)
  if (response.statusCode !== 200 || got !== bytes)
    throw new Error(`The download was answered with ${response.statusCode} and ${got} bytes.`)
}
