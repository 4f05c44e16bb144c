'use client'
import { Avatar, UnstyledButton, VisuallyHidden } from '@mantine/core'
import { useState } from 'react'
import { lazyPart } from '../kit/lazy-part.tsx'
import { useSession } from '../kit/session.ts'

const AccountMenuOpen = lazyPart(() =>
  import('./AccountMenuOpen.tsx').then((module) => module.AccountMenuOpen),
)

/** global.css makes the letters of these colours readable on their pale grounds; the user's name chooses a colour. */
const faces = ['petrol', 'busy', 'gray']

/** Shows the user who is signed in. The menu is loaded when a pointer or the focus comes near. */
export function AccountMenu() {
  const { userName } = useSession()
  const [wanted, setWanted] = useState(false)
  const face = (
    <>
      <Avatar radius="xl" size={34} color="initials" allowedInitialsColors={faces} name={userName} />
      <VisuallyHidden>Account of {userName}</VisuallyHidden>
    </>
  )
  const closed = (
    <UnstyledButton
      aria-haspopup="menu"
      onClick={() => setWanted(true)}
      onMouseEnter={AccountMenuOpen.ahead}
      onFocus={AccountMenuOpen.ahead}
    >
      {face}
    </UnstyledButton>
  )
  if (!wanted) return closed
  return (
    <AccountMenuOpen
      target={<UnstyledButton>{face}</UnstyledButton>}
      waiting={closed}
      onMissing={() => setWanted(false)}
    />
  )
}
