'use client'
import { Switch, type SwitchProps } from '@mantine/core'
import { Hint } from './Hint.tsx'

/**
 * A switch that stays in place when it cannot be used, and then says why: `allowed` is true or the sentence. The keyboard
 * and a finger still reach the switch, so that the reason can be read.
 */
export function ReasonSwitch({
  allowed,
  onChange,
  ...props
}: Omit<SwitchProps, 'onChange'> & { allowed: true | string; onChange: (checked: boolean) => void }) {
  return (
    <Hint label={allowed === true ? null : allowed}>
      <span>
        <Switch
          {...props}
          {...reasonProps(allowed)}
          onChange={({ currentTarget: { checked } }) => allowed === true && onChange(checked)}
        />
      </span>
    </Hint>
  )
}

/** How a switch that cannot be used tells its reason. It is not `disabled`, because nothing can focus what is. */
export const reasonProps = (allowed: true | string): SwitchProps =>
  allowed === true ? {} : { 'aria-disabled': true, 'aria-description': allowed, opacity: 0.6 }
