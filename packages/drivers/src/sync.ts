import { open } from 'node:fs/promises'

/** Makes the names in a folder durable: a rename survives a power cut only after this (fsync(2)). */
export async function syncDirectory(dir: string): Promise<void> {
  const handle = await open(dir, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
