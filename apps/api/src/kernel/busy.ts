import { among } from './gathered.ts'

/** Returns which of these resources have an operation under way, and so are being changed by its workflow. */
export const busyAmong = (resourceKind: string) =>
  among(
    ({ deps }, ids) => deps.root.$queryRaw`
      SELECT DISTINCT "resourceId" AS "id" FROM "Operation" WHERE "resourceKind" = ${resourceKind}
        AND "resourceId" = ANY(${[...ids]}::text[]) AND "state" IN ('queued', 'running', 'undoing')`,
  )
