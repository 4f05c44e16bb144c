/** Kinds of documents. What something needs comes before it. */
export const documentKinds = ['network', 'addressSet', 'router', 'port', 'instance'] as const
