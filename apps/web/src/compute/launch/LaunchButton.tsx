'use client'
import { Button, type ButtonProps } from '@mantine/core'
import type { ReactNode } from 'react'
import { Link } from '../../kit/navigation.tsx'
import { paths } from '../../kit/paths.ts'
import { useMay } from '../../kit/rights.ts'
import { ReasonButton } from '../../ui/ReasonButton.tsx'

/** The way to the form, for those whose role may launch; for others it says why not. */
export function LaunchButton({ children, ...button }: ButtonProps & { children: ReactNode }) {
  const allowed = useMay()()
  return allowed === true ? (
    <Button component={Link} href={paths.launch} {...button}>
      {children}
    </Button>
  ) : (
    <ReasonButton {...button} allowed={allowed} onClick={() => undefined}>
      {children}
    </ReasonButton>
  )
}
