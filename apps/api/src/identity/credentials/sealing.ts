import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import type { Ctx } from '../../kernel/context.ts'
import { CloudError } from '../../kernel/errors.ts'

/**
 * Secrets that must be read again (EC2, TOTP) are sealed with AES-256-GCM. The key is a file of the cloud and not in
 * the database, so either of the two alone is of no use. `about`, the id of the row, is authenticated with the text, so
 * that no row's secret can be moved to another row.
 */
const keyFile = (ctx: Ctx) => path.join(ctx.deps.config.dataDir, 'secrets', 'credential.key')
const keys = new Map<string, Buffer>()

function keyOf(ctx: Ctx): Buffer {
  const file = keyFile(ctx)
  const known = keys.get(file)
  if (known) return known
  const key = Buffer.from(
    fs.existsSync(file) ? fs.readFileSync(file, 'utf8').trim() : makeKey(file),
    'base64',
  )
  if (key.length !== 32)
    throw new CloudError('internal', 'Something went wrong on our side.', {
      detail: `${file} must hold 32 bytes in base64. Put it back from the backup.`,
    })
  keys.set(file, key)
  return key
}

/** When two processes start at once, both get the same key: the first link stays. */
function makeKey(file: string): string {
  fs.mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 })
  const draft = `${file}.${process.pid}.${randomBytes(6).toString('hex')}`
  fs.writeFileSync(draft, `${randomBytes(32).toString('base64')}\n`, { mode: 0o600, flush: true })
  try {
    fs.linkSync(draft, file)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  } finally {
    fs.rmSync(draft, { force: true })
  }
  return fs.readFileSync(file, 'utf8').trim()
}

/** Identifies the key, so that a blob that was sealed under another key can be told from a damaged blob. */
export const keyHash = (ctx: Ctx): string =>
  createHash('sha256').update(keyOf(ctx)).digest('hex').slice(0, 16)

export function seal(ctx: Ctx, about: string, text: string): string {
  const nonce = randomBytes(12)
  const cipher = createCipheriv('aes-256-gcm', keyOf(ctx), nonce)
  cipher.setAAD(Buffer.from(about))
  const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()])
  return Buffer.concat([nonce, cipher.getAuthTag(), sealed]).toString('base64')
}

/** Null when the text was not sealed by this cloud for the row `about`. */
export function unseal(ctx: Ctx, about: string, sealed: string): string | null {
  const bytes = Buffer.from(sealed, 'base64')
  if (bytes.length < 28) return null
  const decipher = createDecipheriv('aes-256-gcm', keyOf(ctx), bytes.subarray(0, 12))
  decipher.setAAD(Buffer.from(about))
  decipher.setAuthTag(bytes.subarray(12, 28))
  try {
    return Buffer.concat([decipher.update(bytes.subarray(28)), decipher.final()]).toString('utf8')
  } catch {
    return null
  }
}
