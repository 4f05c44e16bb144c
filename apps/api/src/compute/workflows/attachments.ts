import { isFollowedBy } from '../../kernel/busy.ts'
import { type Ctx, inTransaction } from '../../kernel/context.ts'
import { CloudError, invariant } from '../../kernel/errors.ts'
import type { Run, Wait, Workflow } from '../../kernel/workflow.ts'
import type { Attachment } from '../attachments/attachment.ts'
import { portAttachment } from '../attachments/ports.ts'
import { volumeAttachment } from '../attachments/volumes.ts'
import type { InstanceRow } from '../instances/instance-row.ts'
import { deadlineMs, releaseMs } from './deadlines.ts'
import { currentRow, tellHost } from './guest.ts'
import { ifItAnswers, orGiveUp } from './on-host.ts'

type Input = Readonly<Record<string, string>>
type Built = InstanceRow & { hostId: string }
const runs = (row: InstanceRow) => row.vmState === 'active' || row.vmState === 'paused'

async function built(run: Run<Input>): Promise<Built | null> {
  const row = await currentRow(run)
  return row?.hostId && row.taskState !== 'deleting' ? { ...row, hostId: row.hostId } : null
}

/**
 * Tells the host the wish for the guest; returns the wait while the host is at work. The reported state of the guest is
 * not used, because the guest is asked again in a moment.
 */
const forItsGuest = async (run: Run<Input>, row: Built): Promise<Wait | undefined> => {
  const answer = await orGiveUp(run, row.hostId, () => tellHost(run, row))
  return 'waitMs' in answer ? answer : undefined
}

function thingOf(run: Run<Input>, { kind, input }: Attachment): string {
  const id = run.input[input]
  invariant(id, `an operation that does not say which ${kind} it is about`)
  return id
}

/**
 * Takes the thing away from the instance, unless the instance has been given the thing again since this operation
 * began: a thing is free as soon as it is released, and a worker that was killed then repeats the release. A deletion of
 * the instance takes its things itself, when the guest is gone. Returns whether the thing was taken away.
 */
async function takeAway(
  run: Run<Input>,
  { id }: InstanceRow,
  { attach, kind }: Taking,
  change: (tx: Ctx, instanceId: string, thing: string) => Promise<void>,
): Promise<boolean> {
  const thing = thingOf(run, kind)
  return inTransaction(run.ctx, async (tx) => {
    // Locked, because a request may give this thing, or lend another one, to the instance at this moment.
    const [locked] = await tx.db.$queryRaw<{ taskState: string | null }[]>`
      SELECT "taskState" FROM "Instance" WHERE "id" = ${id}::uuid FOR UPDATE`
    if (!locked || locked.taskState === 'deleting') return false
    if (await isFollowedBy(tx, run.operationId, attach, { [kind.input]: thing })) return false
    await change(tx, id, thing)
    return true
  })
}

/**
 * Tells the host that the thing is taken away. Returns whether the host has confirmed it: a silent host has not, and a
 * guest that still holds the thing is being waited for.
 */
async function isGoneThere(run: Run<Input>, row: { id: string; hostId: string }): Promise<boolean> {
  let isGone = false
  await ifItAnswers(run, row.hostId, async () => {
    isGone = !('waitMs' in (await tellHost(run, row)))
  })
  return isGone
}

/** The thing stays with the instance: the guest gets it again, also when the guest has released it too late. */
async function giveAgain(run: Run<Input>, row: Built, kind: Attachment, isTold: boolean): Promise<void> {
  const thing = thingOf(run, kind)
  await kind.bind(run.ctx, row, thing)
  if (isTold) await ifItAnswers(run, row.hostId, () => tellHost(run, row))
  await kind.given?.(run.ctx, row.id, thing)
}

/** `attach` is the action that gives things of this kind to instances. */
type Taking = { attach: string; kind: Attachment }

/**
 * The request has written the rows that give the thing to the instance. A failure releases the thing; of the kinds that
 * another guest may be waiting for, only when the host has confirmed that this guest does not have the thing.
 */
function attaching(action: string, kind: Attachment): Workflow<Input> {
  const taking = { attach: action, kind }
  const isTold = (row: InstanceRow) => kind.always || runs(row)
  return {
    action,
    deadlineMs: deadlineMs.attach,
    steps: [
      {
        ...kind.steps.give,
        async run(run) {
          const row = await built(run)
          if (!row) return
          await kind.prepare?.(run.ctx, row, thingOf(run, kind))
          const wait = isTold(row) ? await forItsGuest(run, row) : undefined
          if (wait) return wait
          await kind.given?.(run.ctx, row.id, thingOf(run, kind))
        },
      },
    ],
    async onFailed(run, error) {
      await kind.failed?.(run, thingOf(run, kind), error)
      const row = await currentRow(run)
      if (!row) return
      if (!(await takeAway(run, row, taking, kind.unbind))) return
      const { hostId } = row
      if (hostId && isTold(row)) {
        const isGone = await isGoneThere(run, { id: row.id, hostId })
        if (kind.always && !isGone) return giveAgain(run, { ...row, hostId }, kind, true)
      }
      await takeAway(run, row, taking, kind.release)
    },
  }
}

/** When a guest does not release its device, the operation fails and the instance keeps the thing. */
function detaching(action: string, taking: Taking): Workflow<Input> {
  const { kind } = taking
  const isTold = (row: InstanceRow) => kind.always || runs(row)
  return {
    action,
    deadlineMs: deadlineMs.detach,
    steps: [
      {
        ...kind.steps.take,
        async run(run) {
          const row = await built(run)
          if (!row) return
          if (!(await takeAway(run, row, taking, kind.unbind))) return
          const wait = isTold(row) ? await forItsGuest(run, row) : undefined
          if (!wait || Date.now() - run.stepStartedAt.getTime() < releaseMs) return wait
          throw new CloudError('conflict', kind.stuck)
        },
        async undo(run) {
          const row = await built(run)
          if (row) await giveAgain(run, row, kind, isTold(row))
        },
      },
      {
        ...kind.steps.release,
        async run(run) {
          const row = await currentRow(run)
          if (row) await takeAway(run, row, taking, kind.release)
        },
      },
    ],
    onFailed: async () => undefined,
  }
}

const bothOf = (attach: string, detach: string, kind: Attachment) => [
  attaching(attach, kind),
  detaching(detach, { attach, kind }),
]
export const attachmentWorkflows = [
  ...bothOf('instance.attach', 'instance.detach', portAttachment),
  ...bothOf('instance.attach_volume', 'instance.detach_volume', volumeAttachment),
]
