import fs from 'node:fs/promises'
import path from 'node:path'
import type { PasswordStore } from './reply.ts'

/** Stores passwords as files in the folders of the instances, so that they are deleted with the instances. `instancesDir` holds one folder for each id. */
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
        // Of two writers at once only one gets the name, and no reader sees half a file.
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
