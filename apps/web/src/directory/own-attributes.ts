/** Attributes that API clients have added to a user or a project, as facts: texts unchanged, other values as JSON. */
export const ownAttributes = (extra: Record<string, unknown>) =>
  Object.entries(extra)
    .filter(([, value]) => value !== null && value !== '')
    .map(([label, value]) => ({ label, value: typeof value === 'string' ? value : JSON.stringify(value) }))
