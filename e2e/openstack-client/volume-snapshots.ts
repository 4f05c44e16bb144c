import { setTimeout as sleep } from 'node:timers/promises'
import type { Row, StockClient } from './client.ts'
import { has, row, text } from './expect.ts'
import type { Names } from './main.ts'
import { untilRow } from './member.ts'

type Step = (title: string, work: () => Promise<unknown>) => Promise<boolean>

/** A member keeps a volume in a snapshot, makes further volumes of both, and takes everything away again. */
export async function snapshotsDay(os: StockClient, n: Names, step: Step): Promise<void> {
  const [snapshot, older, copy] = [`${n.volume}-before`, `${n.volume}-older`, `${n.volume}-copy`]
  const available = (kind: string, name: string) =>
    untilRow(() => os.json(`${kind} show ${name}`), 'status', 'available')
  await step('member: a snapshot of a volume', async () => {
    await os.json(`volume create --size 1 --property a=b ${n.volume}`)
    const volume = await available('volume', n.volume)
    has(volume, { size: 1, snapshot_id: null, source_volid: null })
    await os.json(`volume snapshot create --volume ${n.volume} --description mine ${snapshot}`)
    has(await available('volume snapshot', snapshot), {
      ...{ name: snapshot, description: 'mine', size: 1, volume_id: text(volume, 'id') },
    })
    row(await os.json('volume snapshot list'), 'Name', snapshot)
    row(await os.json(`volume snapshot list --volume ${n.volume} --status available`), 'Name', snapshot)
    await os.run(`volume snapshot set --property c=d --description ours ${snapshot}`)
    has(await os.json(`volume snapshot show ${snapshot}`), { description: 'ours', properties: { c: 'd' } })
    await os.run(`volume snapshot unset --property c ${snapshot}`)
    has(await os.json(`volume snapshot show ${snapshot}`), { properties: {} })
    await os.fails(`volume delete ${n.volume}`, /has a snapshot/)
    await os.fails(`volume snapshot set --state error ${snapshot}`, /403|forbidden|not authorized/i)
  })
  await step('member: volumes of a snapshot and of a volume', async () => {
    await os.json(`volume create --snapshot ${snapshot} ${older}`)
    await os.json(`volume create --source ${n.volume} ${copy}`)
    const { id } = await os.json(`volume snapshot show ${snapshot}`)
    has(await available('volume', older), { size: 1, snapshot_id: id })
    has(await available('volume', copy), { source_volid: (await os.json(`volume show ${n.volume}`)).id })
    await os.run(`volume snapshot delete ${snapshot}`)
    await untilGone(os, 'volume snapshot list', snapshot)
    for (const name of [n.volume, older, copy]) await os.run(`volume delete ${name}`)
    await untilGone(os, 'volume list', copy)
  })
}

/** Waits until a list has no row of that name. */
async function untilGone(os: StockClient, list: string, name: string): Promise<void> {
  const end = Date.now() + 300_000
  while ((await os.json<Row[]>(list)).some((one) => one.Name === name)) {
    if (Date.now() > end) throw new Error(`${name} is still there`)
    await sleep(300)
  }
}
