import type { StockClient } from './client.ts'
import { has, row, text, without } from './expect.ts'
import type { Names } from './main.ts'

type Step = (title: string, work: () => Promise<unknown>) => Promise<boolean>

/** The administrator makes types of volumes with limits and access, and the member makes a volume of one. */
export async function volumeTypesDay(
  admin: StockClient,
  member: StockClient,
  n: Names,
  step: Step,
): Promise<void> {
  const [type, hidden, qos] = [`${n.volume}-type`, `${n.volume}-hidden`, `${n.volume}-qos`]
  await step('administrator: volume types and their extra specs', async () => {
    has(await admin.json(`volume type create --description fast --property a:b=c ${type}`), {
      ...{ name: type, description: 'fast', is_public: true },
    })
    await admin.run(`volume type set --property volume_backend_name=local ${type}`)
    await admin.run(`volume type unset --property a:b ${type}`)
    has(await admin.json(`volume type show ${type}`), { properties: { volume_backend_name: 'local' } })
    await admin.fails(`volume type set --property encryption=true ${type}`, /encrypt volumes yet|failed/i)
    await admin.json(`volume type create --private --project ${n.project} ${hidden}`)
    row(await admin.json('volume type list --long'), 'Name', type)
    row(await admin.json('volume type list --private'), 'Name', hidden)
    await admin.json('volume type list --encryption-type')
    await admin.fails(`volume type create ${type}`, /409|exists/)
    await member.fails(`volume type create ${type}-2`, /403|[Nn]ot allowed|Policy|Forbidden/)
    row(await member.json('volume type list'), 'Name', type)
    row(await member.json('volume type list'), 'Name', hidden)
    await admin.run(`volume type unset --project ${n.project} ${hidden}`)
    without(await member.json('volume type list'), 'Name', hidden)
    has(await member.json('volume type list --default'), {})
  })
  await step('administrator: QoS specs of volumes', async () => {
    has(await admin.json(`volume qos create --consumer front-end --property total_iops_sec=500 ${qos}`), {
      name: qos,
      consumer: 'front-end',
      properties: { total_iops_sec: '500' },
    })
    await admin.run(`volume qos set --property total_iops_sec_max=900 --property note=x ${qos}`)
    await admin.run(`volume qos unset --property note ${qos}`)
    await admin.fails(`volume qos set --property read_iops_sec=5 ${qos}`, /Either total_iops_sec|failed/i)
    await admin.run(`volume qos associate ${qos} ${type}`)
    has(await admin.json(`volume qos show ${qos}`), {
      ...{ associations: [type], properties: { total_iops_sec: '500', total_iops_sec_max: '900' } },
    })
    row(await admin.json('volume qos list'), 'Name', qos)
    await admin.fails(`volume qos delete ${qos}`, /has these QoS specs|failed/i)
  })
  await step('member: a volume of the type', async () => {
    const id = text(await member.json(`volume create --size 1 --type ${type} ${n.volume}`), 'id')
    has(await member.json(`volume show ${n.volume}`), { type })
    await admin.fails(`volume type delete ${type}`, /this type|failed/i)
    // A volume that its owner deletes has its type as long as the volume can be taken back.
    await admin.run(`volume delete --force ${id}`)
  })
}

export async function volumeTypesEvening(admin: StockClient, n: Names, step: Step): Promise<void> {
  const [type, hidden, qos] = [`${n.volume}-type`, `${n.volume}-hidden`, `${n.volume}-qos`]
  await step('administrator: deletes the types of volumes', async () => {
    await admin.run(`volume qos disassociate --volume-type ${type} ${qos}`)
    await admin.run(`volume qos associate ${qos} ${type}`)
    await admin.run(`volume qos disassociate --all ${qos}`)
    await admin.run(`volume qos delete ${qos}`)
    await admin.run(`volume type delete ${type} ${hidden}`)
    without(await admin.json('volume type list'), 'Name', type)
  })
}
