'use client'
import { Avatar, UnstyledButton, VisuallyHidden } from '@mantine/core'
import { lazy, Suspense, useState } from 'react'
import { useSession } from '../kit/session.ts'

const load = () => import('./AccountMenuOpen.tsx')
const AccountMenuOpen = lazy(() => load().then((module) => ({ default: module.AccountMenuOpen })))

/** Those of which global.css makes letters readable on their pale grounds; the name chooses one. */
const faces = ['petrol', 'busy', 'gray']

/** Who is signed in; the menu behind it is loaded when a pointer or the focus comes near. */
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
      onMouseEnter={() => void load()}
      onFocus={() => void load()}
    >
      {face}
    </UnstyledButton>
  )
  if (!wanted) return closed
  return (
    <Suspense fallback={closed}>
      <AccountMenuOpen target={<UnstyledButton>{face}</UnstyledButton>} />
    </Suspense>
  )
}
