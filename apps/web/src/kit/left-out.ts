import type { Allowed } from '@stratolith/api/kernel/contract'

/** The selected things that an action leaves out, each by its name with the reason. */
export const leftOut = <V>(
  action: { allowed: (view: V) => Allowed },
  views: readonly V[],
  name: (view: V) => string,
): string[] =>
  views.flatMap((view) => {
    const allowed = action.allowed(view)
    return allowed === true ? [] : `${name(view)}: ${allowed}`
  })
