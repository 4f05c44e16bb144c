import fs from 'node:fs'
import { readFile } from 'node:fs/promises'
import path from 'node:path'

/**
 * The guide is in docs/guide beside the code, so that readers of the repository can read it, too. The portal is started
 * in the folder of the repository, but a build by Next alone begins in apps/web.
 */
function folder(): string {
  const here = path.join(/* turbopackIgnore: true */ process.cwd(), 'docs/guide')
  return fs.existsSync(here) ? here : path.resolve(process.cwd(), '../../docs/guide')
}

/** The page with the contents has the name that repositories use. */
export const firstPage = 'README'

/** Returns the text of a page; null when the guide has no such page. */
export async function readPage(name: string): Promise<string | null> {
  const bytes = /^([a-z]+(-[a-z]+)*|README)$/.test(name) ? await readOwn(`${name}.md`) : null
  return bytes?.toString('utf8') ?? null
}

/** Returns the bytes of a picture; null when the guide has no such picture. */
export const readPicture = async (name: string): Promise<Buffer | null> =>
  /^[a-z]+(-[a-z]+)*\.webp$/.test(name) ? readOwn(`pictures/${name}`) : null

async function readOwn(name: string): Promise<Buffer | null> {
  try {
    return await readFile(path.join(/* turbopackIgnore: true */ folder(), name))
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null
    throw error
  }
}
