/**
 * npm run backup -- FOLDER
 * npm run restore -- FOLDER [--at TIME] [--disks-from-backup] [--replace] [--yes]
 * npm run move-database -- postgresql://USER:PASSWORD@HOST/NAME
 *
 * See docs/operations.md, “Back up, restore, move the database”.
 */
import { type FlagKinds, readFlags } from '../cloud/flags.ts'
import { checkSettings } from '../cloud/settings.ts'
import { backUp } from './backup.ts'
import { moveDatabase } from './move.ts'
import { restore } from './restore.ts'

const usage: Record<string, string> = {
  backup: 'npm run backup -- FOLDER',
  restore: 'npm run restore -- FOLDER [--at TIME] [--disks-from-backup] [--replace] [--yes]',
  'move-database': 'npm run move-database -- postgresql://USER:PASSWORD@HOST/NAME',
}

const ofRestore = {
  at: 'string',
  yes: 'boolean',
  'disks-from-backup': 'boolean',
  replace: 'boolean',
} satisfies FlagKinds

async function main(): Promise<number> {
  const [command = '', ...args] = process.argv.slice(2)
  const how = usage[command]
  if (how === undefined) {
    console.error(`usage: ${Object.values(usage).join('\n       ')}`)
    return 2
  }
  const { values, words } = readFlags(how, args, command === 'restore' ? ofRestore : {})
  const [subject] = words
  if (!subject || words.length > 1) {
    console.error(`usage: ${how}`)
    return 2
  }
  if (command === 'backup') return (await backUp(subject)) ? 0 : 1
  for (const warning of checkSettings(process.env)) console.log(`  ! ${warning}`)
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

// The umask of `npm start`. Files and folders with secrets are written with the modes 0600 and 0700 explicitly.
process.umask(0o022)
try {
  process.exit(await main())
} catch (error) {
  console.error(`\n${error instanceof Error ? error.message : error}`)
  process.exit(1)
}
