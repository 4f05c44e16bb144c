import fs from 'node:fs/promises'
import path from 'node:path'
import type { PasswordStore } from './reply.ts'

/** Passwords as files in the instances' folders, gone with them. `instancesDir` holds one folder an id. */
export function passwordFiles(instancesDir: string): PasswordStore {
  const fileOf = (instanceId: string) => path.join(instancesDir, instanceId, 'password')
  return {
    async read(instanceId) {
      try {
        return await fs.readFile(fileOf(instanceId), 'latin1')
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return ''
        throw error
      }
    },
    async writeOnce(instanceId, password) {
      const file = fileOf(instanceId)
      const draft = `${file}.${crypto.randomUUID()}`
      await fs.writeFile(draft, password, { encoding: 'latin1', mode: 0o600, flush: true })
      try {
        // Only one of two at once gets the name, and never half a file.
        await fs.link(draft, file)
        return true
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
        throw error
      } finally {
        await fs.rm(draft, { force: true })
      }
    },
  }
}
