/** Attributes that API clients gave a user or a project of their own, as facts: texts as they are, the rest as JSON. */
export const ownAttributes = (extra: Record<string, unknown>) =>
  Object.entries(extra)
    .filter(([, value]) => value !== null && value !== '')
    .map(([label, value]) => ({ label, value: typeof value === 'string' ? value : JSON.stringify(value) }))
