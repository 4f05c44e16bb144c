import fs from 'node:fs'
import path from 'node:path'
import { takeLock } from '../../apps/agent/src/lock.ts'
import { backupsIn, Journal, lastWritten, writeDurably } from './format.ts'

/** A backup under way: its folder, the list of its complete files, and the previous complete backup. */
export type Target = {
  folder: string
  name: string
  dir: string
  journal: Journal
  resumed: boolean
  previous: string | null
  unlock(): void
}

/** An interrupted backup of this age, in ms, is begun anew, because its database dump would be too old. */
const staleMs = 24 * 3600_000

/** Makes or opens a folder of backups of that cloud; throws a sentence when that is impossible. */
export function openTarget(folder: string, dataDir: string, cloud: string): Target {
  refuseWithin(folder, dataDir)
  fs.mkdirSync(folder, { recursive: true, mode: 0o700 })
  const mark = path.join(folder, 'backups.json')
  if (fs.existsSync(mark)) {
    const known = JSON.parse(fs.readFileSync(mark, 'utf8')) as { cloud: string }
    if (known.cloud !== cloud)
      throw new Error(`${folder} holds backups of another cloud (${known.cloud}). Give another folder.`)
  } else {
    const others = fs.readdirSync(folder).filter((entry) => entry !== 'lost+found')
    if (others.length > 0)
      throw new Error(
        `${folder} is not empty and holds no backups (${others[0]}). Give an empty or a new folder.`,
      )
    // The folder will contain passwords and keys.
    fs.chmodSync(folder, 0o700)
    writeDurably(mark, `${JSON.stringify({ cloud })}\n`)
  }
  const unlock = lock(folder)
  const begun = fs.readdirSync(folder).filter((entry) => entry.endsWith('.part'))
  let name = ''
  for (const entry of begun.sort()) {
    const dir = path.join(folder, entry)
    if (Date.now() - lastWritten(dir) < staleMs) name = entry.slice(0, -'.part'.length)
    else fs.rmSync(dir, { recursive: true, force: true })
  }
  const resumed = name !== ''
  if (!resumed) name = new Date().toISOString().replace(/\.\d+/, '').replaceAll(':', '-')
  const dir = path.join(folder, `${name}.part`)
  fs.mkdirSync(dir, { recursive: true, mode: 0o700 })
  const before = backupsIn(folder).at(-1)
  return {
    folder,
    name,
    dir,
    journal: new Journal(dir),
    resumed,
    previous: before ? path.join(folder, before) : null,
    unlock,
  }
}

function lock(folder: string): () => void {
  try {
    return takeLock(path.join(folder, 'lock'))
  } catch (error) {
    throw new Error(`Another backup into ${folder} is under way.`, { cause: error })
  }
}

/** Refuses a folder inside of the data folder: the backup would contain itself and be lost with the cloud. */
function refuseWithin(folder: string, dataDir: string): void {
  const real = (file: string): string =>
    fs.existsSync(file) ? fs.realpathSync(file) : path.join(real(path.dirname(file)), path.basename(file))
  const [inner, outer] = [real(folder), real(dataDir)]
  if (inner === outer || inner.startsWith(`${outer}/`))
    throw new Error(
      `${folder} lies inside of the cloud's data folder ${dataDir}: it would be lost with it. Give a folder elsewhere, best on another disk.`,
    )
}
