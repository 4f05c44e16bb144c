import type { ResourceAction } from './descriptor.ts'

/** The resources whose operations an action on these things has begun, so that the ends are told. */
export const endsOf = <V extends { id: string }>(
  { endsAt }: Pick<ResourceAction<V>, 'endsAt'>,
  views: readonly V[],
): string[] => views.map((view) => endsAt?.(view) ?? view.id)
