import { idInput } from '../kernel/contract.ts'
import { procedure, router } from '../kernel/trpc.ts'
import {
  brakeInput,
  hostListInput,
  hostUpdateInput,
  strayDecideInput,
  strayListInput,
  takeBackInput,
  trashInput,
  unconfirmedInput,
} from './contract.ts'
import { outside } from './egress.ts'
import { fenceHost, unfenceHost } from './fencing.ts'
import { hostHeld } from './held.ts'
import { deleteHost, getHost, listHosts, updateHost } from './service.ts'
import { decideStray, listBrakes, listStrays, releaseBrake } from './strays.ts'
import { summarizeHosts } from './summary.ts'
import { listUnconfirmed, tellNow } from './telling.ts'
import { listTrash, takeBackDisk, unknownTime } from './trash.ts'

export const hostsRouter = router({
  list: procedure.input(hostListInput).query(({ ctx, input }) => listHosts(ctx.cloud, input)),
  summary: procedure.query(({ ctx }) => summarizeHosts(ctx.cloud)),
  get: procedure.input(idInput).query(({ ctx, input }) => getHost(ctx.cloud, input)),
  unconfirmed: procedure.input(unconfirmedInput).query(({ ctx, input }) => listUnconfirmed(ctx.cloud, input)),
  tellNow: procedure.input(idInput).mutation(({ ctx, input }) => tellNow(ctx.cloud, input)),
  held: procedure.input(idInput).query(({ ctx, input }) => hostHeld(ctx.cloud, input)),
  update: procedure.input(hostUpdateInput).mutation(({ ctx, input }) => updateHost(ctx.cloud, input)),
  fence: procedure.input(idInput).mutation(({ ctx, input }) => fenceHost(ctx.cloud, input)),
  unfence: procedure.input(idInput).mutation(({ ctx, input }) => unfenceHost(ctx.cloud, input)),
  /** Says whether packets can pass between guests and the world at all. */
  outside: procedure.query(({ ctx }) => outside(ctx.cloud)),
  strays: procedure.input(strayListInput).query(({ ctx, input }) => listStrays(ctx.cloud, input)),
  decideStray: procedure.input(strayDecideInput).mutation(({ ctx, input }) => decideStray(ctx.cloud, input)),
  unknownTime: procedure.query(({ ctx }) => unknownTime(ctx.cloud)),
  trash: procedure.input(trashInput).query(({ ctx, input }) => listTrash(ctx.cloud, input)),
  takeBack: procedure.input(takeBackInput).mutation(({ ctx, input }) => takeBackDisk(ctx.cloud, input)),
  brakes: procedure.query(({ ctx }) => listBrakes(ctx.cloud)),
  releaseBrake: procedure.input(brakeInput).mutation(({ ctx, input }) => releaseBrake(ctx.cloud, input)),
  delete: procedure.input(idInput).mutation(({ ctx, input }) => deleteHost(ctx.cloud, input)),
})
