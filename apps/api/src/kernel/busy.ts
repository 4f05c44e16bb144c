import { among } from './gathered.ts'

/** Which resources of a kind have an operation under way: its workflow is at them. */
export const busyAmong = (resourceKind: string) =>
  among(
    ({ deps }, ids) => deps.root.$queryRaw`
      SELECT DISTINCT "resourceId" AS "id" FROM "Operation" WHERE "resourceKind" = ${resourceKind}
        AND "resourceId" = ANY(${[...ids]}::text[]) AND "state" IN ('queued', 'running', 'undoing')`,
  )
