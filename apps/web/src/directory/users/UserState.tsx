import type { UserView } from '@stratolith/api/directory/users/contract'
import { StateBadge } from '../../kit/StateBadge.tsx'

export function UserState({ user }: { user: UserView }) {
  if (!user.enabled)
    return <StateBadge state="Disabled" tone="off" detail="Cannot sign in until enabled again." />
  if (user.lockedUntil !== null)
    return (
      <StateBadge
        state="Waiting"
        tone="bad"
        detail="Too many wrong passwords in a row: sign-in waits a while. Resetting the password ends it."
      />
    )
  if (user.passwordExpiresAt !== null && Date.parse(user.passwordExpiresAt) < Date.now())
    return <StateBadge state="Password ran out" tone="bad" detail="Must be changed at the next sign-in." />
  return <StateBadge state="Enabled" tone="good" />
}
