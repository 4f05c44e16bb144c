/** The part of a view that every resource with standard attributes shows. Neutron writes whole seconds. */
export const standardView = (row: {
  projectId: string
  tags: string[]
  createdAt: Date
  updatedAt: Date
  revision: number
}) => ({
  tags: row.tags,
  created_at: seconds(row.createdAt),
  updated_at: seconds(row.updatedAt),
  revision_number: row.revision,
  project_id: row.projectId,
})
export const seconds = (date: Date): string => `${date.toISOString().slice(0, 19)}Z`
