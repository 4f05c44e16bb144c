/**
 * npm run backup -- FOLDER
 * npm run restore -- FOLDER [--at TIME] [--disks-from-backup] [--replace] [--yes]
 * npm run move-database -- postgresql://USER:PASSWORD@HOST/NAME
 *
 * See docs/operations.md, “Back up, restore, move the database”.
 */
import { parseArgs } from 'node:util'
import { backUp } from './backup.ts'
import { moveDatabase } from './move.ts'
import { restore } from './restore.ts'

const usage: Record<string, string> = {
  backup: 'npm run backup -- FOLDER',
  restore: 'npm run restore -- FOLDER [--at TIME] [--disks-from-backup] [--replace] [--yes]',
  'move-database': 'npm run move-database -- postgresql://USER:PASSWORD@HOST/NAME',
}

async function main(): Promise<number> {
  const [command = ''] = process.argv.slice(2)
  const { values, positionals } = parseArgs({
    args: process.argv.slice(3),
    allowPositionals: true,
    options:
      command === 'restore'
        ? {
            at: { type: 'string' },
            yes: { type: 'boolean', default: false },
            'disks-from-backup': { type: 'boolean', default: false },
            replace: { type: 'boolean', default: false },
          }
        : {},
  })
  const [subject] = positionals
  if (!subject || positionals.length > 1 || !(command in usage)) {
    console.error(`usage: ${usage[command] ?? Object.values(usage).join('\n       ')}`)
    return 2
  }
  if (command === 'backup') return (await backUp(subject)) ? 0 : 1
  if (command === 'move-database') await moveDatabase(subject)
  else
    await restore(subject, {
      ...(typeof values.at === 'string' ? { at: values.at } : {}),
      yes: values.yes === true,
      disksFromBackup: values['disks-from-backup'] === true,
      replace: values.replace === true,
    })
  return 0
}

// As `npm start` has it: what holds secrets is written 0600 and 0700 by those who write it.
process.umask(0o022)
try {
  process.exit(await main())
} catch (error) {
  console.error(`\n${error instanceof Error ? error.message : error}`)
  process.exit(1)
}
