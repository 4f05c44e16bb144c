import { constants } from 'node:fs'
import { open, rm, stat } from 'node:fs/promises'
import path from 'node:path'
import { DriverError } from '../errors.ts'
import { type Op, percentDone } from '../op.ts'
import { qemuImg } from '../qemu-img.ts'
import { jailedFiles, runJailed } from '../storage/jail.ts'
import type { VolumeSpec } from './interface.ts'
import { hashOfKey, type VolumeKeys } from './keys.ts'
import { syncFile } from './layer-files.ts'
import { defaultConverter, lent } from './layers.ts'
import type { Layer, Luks } from './manifest.ts'
import { demandSpace } from './space.ts'

/**
 * The first layer of an encrypted volume: one raw file that begins with the header of LUKS. The layers above have
 * ciphertext, too, because QEMU encrypts above all of them. Only this module and the guest's QEMU need the key.
 */

type Wish = {
  /** The folder of the volume that is being made. */
  dir: string
  sizeBytes: number
  encryption: NonNullable<VolumeSpec['encryption']>
  /** The raw base of an image; null for an empty volume. */
  image: string | null
  keys: VolumeKeys
  converter: number | undefined
}

/** The key is random, so that nobody can guess it, however little a guess costs. QEMU waits for this at each opening, in ms. */
const deriveMs = 10
/** How often QEMU is asked again when the machine is so busy that QEMU cannot measure its own speed. */
const tries = 5

export async function makeEncrypted(op: Op, wish: Wish): Promise<{ layer: Layer; luks: Luks }> {
  const { dir, sizeBytes, encryption, image, keys } = wish
  const name = '0.raw'
  const file = path.join(dir, name)
  await keys.during(encryption.key, 0, (key) => format(op, file, key, wish))
  if (image !== null) await fill(op, file, image, wish)
  await syncFile(file)
  const headerBytes = (await stat(file)).size - sizeBytes
  return { layer: { name, format: 'raw' }, luks: { headerBytes, keyHash: hashOfKey(encryption.key) } }
}

const secret = (file: string) => ['--object', `secret,id=key,format=raw,file=${file}`]

async function format(op: Op, file: string, key: string, { sizeBytes, encryption }: Wish): Promise<void> {
  // XTS takes two keys, of which each has half of the bits.
  const cipher = `cipher-alg=aes-${encryption.keyBits / 2},cipher-mode=xts,ivgen-alg=plain64`
  const options = `key-secret=key,iter-time=${deriveMs},${cipher}`
  const argv = ['create', '-q', '-f', 'luks', ...secret(key), '-o', options, file, String(sizeBytes)]
  for (let left = tries; ; left -= 1)
    try {
      await rm(file, { force: true })
      await qemuImg(op, argv)
      break
    } catch (error) {
      if (left <= 1 || !/accurate CPU usage/.test(String(error))) throw error
    }
  const made = await open(file, constants.O_RDONLY | constants.O_NOFOLLOW)
  try {
    await made.chmod(0o600)
  } finally {
    await made.close()
  }
}

/** Writes the image through the encryption. Its bytes are a tenant's, so that qemu-img works in the jail. */
async function fill(op: Op, file: string, image: string, wish: Wish): Promise<void> {
  const { encryption, keys, sizeBytes } = wish
  const uid = wish.converter ?? defaultConverter()
  const source = await open(image, constants.O_RDONLY | constants.O_NOFOLLOW)
  const target = await open(file, constants.O_RDWR | constants.O_NOFOLLOW)
  try {
    await demandSpace(wish.dir, (await source.stat()).blocks * 512, 'the encrypted volume')
    await keys.during(encryption.key, uid, async (keyFile) => {
      const key = await open(keyFile, constants.O_RDONLY | constants.O_NOFOLLOW)
      try {
        const job = {
          ...{ uid, source: source.fd, target: target.fd, more: [key.fd] },
          maxFileBytes: (await target.stat()).size + sizeBytes,
          onOutput: (text: string) => {
            const percent = /\((\d+)\.\d+\/100%\)\s*$/.exec(text)?.[1]
            if (percent !== undefined) op.progress(percentDone(Number(percent), 'encrypted'))
          },
        }
        const into = `driver=luks,key-secret=key,file.driver=file,file.filename=${jailedFiles.target}`
        const argv = ['qemu-img', 'convert', '-p', '-n', ...secret(jailedFiles.more(0)), '-f', 'raw']
        await lent(target, uid, () =>
          runJailed(op, job, [...argv, '--target-image-opts', jailedFiles.source, into]),
        )
      } finally {
        await key.close()
      }
    })
    await target.sync()
  } finally {
    await source.close()
    await target.close()
  }
}

/** Raises `invalid` unless what a volume begins with is encrypted by the key of the volume, or both are plain. */
export function demandSameKey(wish: VolumeSpec['encryption'], source: Luks | undefined): void {
  const hash = wish && hashOfKey(wish.key)
  if (hash !== source?.keyHash)
    throw new DriverError(
      'invalid',
      'The volume and what it is made of are not encrypted by the same key: both are plain, or both have one key.',
    )
}
