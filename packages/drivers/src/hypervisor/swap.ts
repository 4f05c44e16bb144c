import { readFile } from 'node:fs/promises'

/**
 * The files and partitions to which the kernel may write memory, and with it the keys of encrypted volumes. Compressed
 * memory (zram) is none of them, although it may have a disk behind it.
 */
export async function swapsOf(table = '/proc/swaps'): Promise<string[]> {
  const text = await readFile(table, 'utf8').catch((error: NodeJS.ErrnoException) => {
    // A kernel without swap has no such file.
    if (error.code === 'ENOENT') return ''
    throw error
  })
  const places = text
    .split('\n')
    .slice(1)
    .flatMap((line) => /^(\S+)\s/.exec(line)?.[1] ?? [])
  return places.filter((place) => !/^\/dev\/zram\d+$/.test(place))
}
