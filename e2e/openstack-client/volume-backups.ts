import type { StockClient } from './client.ts'
import { has, row, text } from './expect.ts'
import type { Names } from './main.ts'
import { untilRow } from './member.ts'

type Step = (title: string, work: () => Promise<unknown>) => Promise<boolean>

/** A member backs a volume up, restores it, and takes everything away again. */
export async function backupsDay(admin: StockClient, os: StockClient, n: Names, step: Step): Promise<void> {
  const [full, later, made] = [`${n.volume}-full`, `${n.volume}-later`, `${n.volume}-made`]
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
    await os.run(`--os-volume-api-version 3.9 volume backup set --description ours ${full}`)
    has(await os.json(`volume backup show ${full}`), { description: 'ours' })
    await os.json(`volume backup create --name ${later} --incremental ${n.volume}`)
    has(await available('volume backup', later), { is_incremental: true })
    await os.fails(`volume backup set --state error ${full}`, /403|forbidden|not authorized/i)
  })
  await step('member: volumes of a backup', async () => {
    await available('volume', n.volume)
    await os.json(`volume backup restore --force ${later} ${n.volume}`)
    await available('volume', n.volume)
    await os.json(`--os-volume-api-version 3.47 volume create --size 1 --backup ${full} ${made}`)
    has(await available('volume', made), { size: 1 })
    await available('volume backup', full)
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
    for (const name of [n.volume, made]) await os.run(`volume delete ${name}`)
  })
}
