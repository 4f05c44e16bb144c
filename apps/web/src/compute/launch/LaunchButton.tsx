'use client'
import type { ButtonProps } from '@mantine/core'
import { IconRocket } from '@tabler/icons-react'
import { MainAction } from '../../kit/MainAction.tsx'
import { paths } from '../../kit/paths.ts'
import { useMay } from '../../kit/rights.ts'

/** The link to the form for people whose role may launch; for others it is disabled and says why. */
export function LaunchButton(button: Pick<ButtonProps, 'variant' | 'fullWidth'>) {
  return (
    <MainAction
      {...button}
      label="Launch instance"
      icon={<IconRocket size={16} />}
      allowed={useMay()()}
      to={{ href: paths.launch }}
    />
  )
}
