import type { StockClient } from './client.ts'
import { has, row, text } from './expect.ts'
import type { Names } from './main.ts'
import { untilRow } from './member.ts'

type Step = (title: string, work: () => Promise<unknown>) => Promise<boolean>

/**
 * A member backs a volume up, restores it, and takes everything away again. `newer`: the same member with version 3.47 of the
 * volume API.
 */
export async function backupsDay(
  { admin, member: os, newer }: { admin: StockClient; member: StockClient; newer: StockClient },
  n: Names,
  step: Step,
): Promise<void> {
  const [full, later] = [`${n.volume}-full`, `${n.volume}-later`]
  const available = (kind: string, name: string) =>
    untilRow(() => os.json(`${kind} show ${name}`), 'status', 'available')
  await step('member: backups of a volume', async () => {
    await os.json(`volume create --size 1 ${n.volume}`)
    const volume = await available('volume', n.volume)
    await os.fails(`volume backup create --incremental ${n.volume}`, /No backups available/)
    await os.json(`volume backup create --name ${full} --description mine ${n.volume}`)
    has(await available('volume backup', full), {
      ...{ name: full, description: 'mine', size: 1, volume_id: text(volume, 'id') },
      ...{ is_incremental: false, has_dependent_backups: false, fail_reason: null },
    })
    row(await os.json('volume backup list'), 'Name', full)
    row(await os.json(`volume backup list --volume ${n.volume} --status available`), 'Name', full)
    await newer.run(`volume backup set --description ours ${full}`)
    has(await os.json(`volume backup show ${full}`), { description: 'ours' })
    await os.json(`volume backup create --name ${later} --incremental ${n.volume}`)
    has(await available('volume backup', later), { is_incremental: true })
    await os.fails(`volume backup set --state error ${full}`, /403|forbidden|not authorized/i)
  })
  await step('member: a backup is restored to its volume', async () => {
    await available('volume', n.volume)
    // Version 6.0 of the client sends the request, and cannot print the answer of any cloud.
    await os.fails(`volume backup restore --force ${later} ${n.volume}`, /cannot unpack/)
    await available('volume', n.volume)
    await available('volume backup', later)
  })
  await step('administrator: the record of a backup', async () => {
    const { id } = await os.json(`volume backup show ${full}`)
    const record = await os.json(`volume backup record export ${full}`)
    const [service, url] = [text(record, 'backup_service'), text(record, 'backup_url')]
    await admin.fails(`volume backup record import ${service} ${url}`, /known already/)
    await os.fails(`volume backup record import ${service} ${url}`, /403|forbidden|not authorized/i)
    await admin.run(`volume backup set --state error ${id}`)
    await admin.run(`volume backup set --state available ${id}`)
    await os.run(`volume backup delete ${full} ${later}`)
    await os.run(`volume delete ${n.volume}`)
  })
}
