import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { DriverError } from './errors.ts'

/** Makes that user the only one who may use the file; 0 gives it back to root. Raises `invalid` for a link or anything that is no plain file. */
export async function giveFile(path: string, uid: number): Promise<void> {
  const notPlain = new DriverError('invalid', `${path} is not a plain file.`)
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch(
    (error: NodeJS.ErrnoException) => {
      throw error.code === 'ELOOP' || error.code === 'ENXIO' ? notPlain : error
    },
  )
  try {
    const found = await file.stat()
    if (!found.isFile()) throw notPlain
    const isOwned = found.uid === uid && found.gid === uid
    // By way of root: the owner of before could open the mode again, and at no moment a third user may open the file.
    if (!isOwned && found.uid !== 0) await file.chown(0, 0)
    if (!isOwned || (found.mode & 0o7777) !== 0o600) await file.chmod(0o600)
    if (!isOwned && uid !== 0) await file.chown(uid, uid)
  } finally {
    await file.close()
  }
}
