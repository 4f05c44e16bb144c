import fs from 'node:fs'
import path from 'node:path'

/** Returns the mode of a folder that has to be made, by its name relative to the root. */
export type FolderMode = (folder: string) => number

const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW } = fs.constants

/**
 * Calls `work` with a path for the file `name` below `root`, while every folder between the two is held
 * open. Each folder is opened in its parent and never through a link, so that nobody who can write in one
 * of them can lead us elsewhere, not even meanwhile. `root` itself may be a link, because the operator
 * names it. Missing folders are made if `make` is given, which returns their mode. `work` itself must check that the
 * file is no link (O_NOFOLLOW).
 */
export async function within<T>(
  root: string,
  name: string,
  work: (file: string) => T | Promise<T>,
  make?: FolderMode,
): Promise<T> {
  const folder = openFolder(root, path.dirname(name), make)
  const held = `/proc/self/fd/${folder}`
  try {
    return await work(`${held}/${path.basename(name)}`)
  } catch (error) {
    if (error instanceof Error)
      error.message = error.message.replaceAll(held, path.join(root, path.dirname(name)))
    throw error
  } finally {
    fs.closeSync(folder)
  }
}

function openFolder(root: string, folder: string, make: FolderMode | undefined): number {
  let handle = fs.openSync(root, O_RDONLY | O_DIRECTORY)
  let reached = ''
  for (const part of partsOf(folder)) {
    reached = path.join(reached, part)
    const here = handle
    try {
      handle = openIn(here, part, make ? () => make(reached) : undefined)
    } catch (error) {
      throw nameLink(error, path.join(root, reached))
    } finally {
      fs.closeSync(here)
    }
  }
  return handle
}

function openIn(folder: number, part: string, make: (() => number) | undefined): number {
  const file = `/proc/self/fd/${folder}/${part}`
  const open = () => fs.openSync(file, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
  try {
    return open()
  } catch (error) {
    if (!make || (error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    fs.mkdirSync(file, { mode: make() })
    return open()
  }
}

/** Throws the sentence about a link, before anything is made, for a name that will be given to `within`. */
export function refuseLinks(root: string, name: string): void {
  let reached = root
  for (const part of partsOf(path.dirname(name))) {
    reached = path.join(reached, part)
    const stat = fs.lstatSync(reached, { throwIfNoEntry: false })
    if (!stat) return
    if (!stat.isDirectory()) throw linkAt(reached)
  }
}

function partsOf(folder: string): string[] {
  const parts = folder.split('/').filter((part) => part !== '' && part !== '.')
  if (parts.includes('..')) throw new Error(`${folder} leads out of its folder.`)
  return parts
}

const linkAt = (place: string) =>
  new Error(
    `${place} is a link, or no folder, and is not followed. Put the folder itself there (a bind mount, if it lies on another disk).`,
  )

/** Turns the error of a link in place of a folder (ELOOP or ENOTDIR, depending on the kernel) into a sentence. */
function nameLink(error: unknown, place: string): unknown {
  const { code } = error as NodeJS.ErrnoException
  if (code === 'ELOOP' || code === 'ENOTDIR') return linkAt(place)
  if (code === 'ENOENT') return Object.assign(new Error(`${place} is not there.`, { cause: error }), { code })
  return error
}
