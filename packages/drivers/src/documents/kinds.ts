import type { DocumentKind } from './interface.ts'

/** What something needs comes before it. */
export const documentKinds = [
  'network',
  'addressSet',
  'router',
  'port',
  'instance',
] as const satisfies readonly DocumentKind[]
