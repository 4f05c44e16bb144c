import { StateBadge } from '../kit/StateBadge.tsx'

/** Says whether a domain, project or user is enabled. */
export function EnabledBadge({ enabled, deleting = false }: { enabled: boolean; deleting?: boolean }) {
  if (deleting)
    return <StateBadge state="Deleting" tone="busy" detail="It is being deleted with everything in it." />
  return enabled ? (
    <StateBadge state="Enabled" tone="good" />
  ) : (
    <StateBadge state="Disabled" tone="off" detail="Nobody gets in until it is enabled again." />
  )
}
