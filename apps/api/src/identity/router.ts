import { procedure, publicProcedure, router } from '../kernel/trpc.ts'
import { rescopeInput, signInInput } from './contract.ts'
import { projects, rescope, session, signIn, signOut } from './service.ts'

export const identityRouter = router({
  signIn: publicProcedure
    .input(signInInput)
    .mutation(({ ctx, input }) => signIn(ctx.anonymous, input, ctx.sourceIp)),
  session: procedure.query(({ ctx }) => session(ctx.cloud)),
  projects: procedure.query(({ ctx }) => projects(ctx.cloud)),
  rescope: procedure.input(rescopeInput).mutation(({ ctx, input }) => rescope(ctx.cloud, input)),
  signOut: procedure.mutation(({ ctx }) => signOut(ctx.cloud)),
})
