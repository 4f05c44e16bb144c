import fs from 'node:fs'
import { readFile } from 'node:fs/promises'
import path from 'node:path'

/**
 * The guide stands in docs/guide beside the code, for readers of the repository, too. The portal is started in the
 * checkout; a build of Next alone is begun in apps/web.
 */
function folder(): string {
  const here = path.join(/* turbopackIgnore: true */ process.cwd(), 'docs/guide')
  return fs.existsSync(here) ? here : path.resolve(process.cwd(), '../../docs/guide')
}

/** The name of the page with the contents, as repositories have it. */
export const firstPage = 'README'

/** The text of a page. Null: the guide has no such page. */
export async function readPage(name: string): Promise<string | null> {
  const bytes = /^([a-z]+(-[a-z]+)*|README)$/.test(name) ? await readOwn(`${name}.md`) : null
  return bytes?.toString('utf8') ?? null
}

/** Null: the guide has no such picture. */
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
