import { hostRefs } from '../../hosts/service.ts'
import { CloudError, toCloudError } from '../../kernel/errors.ts'
import { driverCode } from '../../kernel/hosts.ts'
import type { Run, Wait } from '../../kernel/workflow.ts'
import type { InstanceRow } from '../instances/instance-row.ts'
import { placeAgain, type Where } from '../instances/place-again.ts'
import { givenUp, giveUp, patience } from './on-host.ts'

type Built = InstanceRow & { hostId: string }

/** After this time of trouble the build tries no other host, so that a launch fails within 2 min. */
const searchMs = 75_000
/** When there is no other host, the build waits this many times as long for the host. */
const aloneTimes = 6
const elsewhereHelps = ['unavailable', 'failed', 'no_space', 'unsupported']
/** The failures that the same host would not answer otherwise a moment later. */
const askingAgainIsVain = ['no_space', 'unsupported']

/**
 * Runs a step of a build on the host that the instance is placed on. When the host fails, the instance is placed anew
 * and the step runs again there, so `work` must make everything that is missing on its host. Fails when no host is
 * left, and names the tried hosts. `current` returns null when nothing is left to do.
 */
export async function onSomeHost(
  run: Run<unknown>,
  where: Where,
  current: () => Promise<Built | null>,
  work: (row: Built) => Promise<Wait | undefined>,
): Promise<Wait | undefined> {
  const row = await current()
  if (!row) return
  const startedAt = Date.now()
  try {
    if (!givenUp(run)[row.hostId]) {
      const wait = await work(row)
      // The host has answered: later trouble, minutes into copying an image, is new trouble.
      if (run.data.trouble) await run.keep({ trouble: false })
      return wait
    }
  } catch (error) {
    const code = driverCode(error)
    if (code === null || !elsewhereHelps.includes(code) || run.op.signal.aborted) throw error
    const { since } = await troubleWith(run, row.hostId, startedAt)
    if (!askingAgainIsVain.includes(code) && Date.now() - since < patience.launchMs)
      return { waitMs: patience.askAgainMs, for: 'the host to answer' }
    if (await elsewhere(run, where, row.hostId)) {
      run.ctx.log.warn({ err: error, hostId: row.hostId, instanceId: row.id }, 'a build leaves its host')
      await giveUp(run, row.hostId, detailOf(error))
      return { waitMs: 0, for: 'another host' }
    }
    // There is no other host, and waiting for an agent that is being upgraded is better than a failed launch.
    if (code === 'unavailable' && Date.now() - since < aloneTimes * patience.launchMs)
      return { waitMs: patience.askAgainMs, for: 'the host to answer, since no other one has room' }
    await giveUp(run, row.hostId, detailOf(error))
  }
  throw await nowhere(run)
}

const detailOf = (error: unknown) => toCloudError(error).detail ?? 'It did not answer.'

type Trouble = { hostId: string; since: number; firstAt: number }
/** Returns since when the host is in trouble (`since`), and since when this build is (`firstAt`). */
async function troubleWith(run: Run<unknown>, hostId: string, startedAt: number): Promise<Trouble> {
  const known = (run.data.trouble || null) as Trouble | null
  if (known?.hostId === hostId) return known
  const trouble = { hostId, since: startedAt, firstAt: known?.firstAt ?? startedAt }
  await run.keep({ trouble })
  return trouble
}

/** Places the instance on a host that was not tried yet; returns whether there was one. */
async function elsewhere(run: Run<unknown>, where: Where, hostId: string): Promise<boolean> {
  const { firstAt } = run.data.trouble as Trouble
  if (Date.now() - firstAt >= searchMs) return false
  run.progress('looking for another host')
  const tried = new Set([...Object.keys(givenUp(run)), hostId])
  const build = { instanceId: run.resourceId, operationId: run.operationId, where, tried }
  const next = await placeAgain(run.ctx, build)
  if (next === null || next === hostId) return false
  await run.moveToHost(next)
  return true
}

async function nowhere(run: Run<unknown>): Promise<CloudError> {
  const tried = givenUp(run)
  const ids = Object.keys(tried)
  const hosts = await hostRefs({ db: run.ctx.deps.root }, ids)
  const named = hosts.map((host) => `${host.name}: ${tried[host.id]}`)
  const many = ids.length === 1 ? 'One host was tried and has' : `${ids.length} hosts were tried and have`
  return new CloudError(
    'no_capacity',
    `${many} not built it, and no other one that may have it has room. Launch again later, or ask your administrator which hosts are in trouble.`,
    { detail: `tried ${named.join('; ')}` },
  )
}
