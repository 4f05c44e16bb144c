import type { ReactNode } from 'react'
import { CopyText } from './CopyText.tsx'
import classes from './Fact.module.css'

/** Pairs of label and value; a value with `copy` gets a button to copy it. */
export function Facts({ items }: { items: { label: string; value: ReactNode; copy?: string }[] }) {
  return (
    <div className={classes.box}>
      <dl className={classes.facts}>
        {items.map((item) => (
          <div key={item.label} className={classes.fact} data-copy={item.copy ? true : undefined}>
            <dt>{item.label}</dt>
            <dd>
              {item.copy ? (
                <CopyText
                  whole
                  value={item.copy}
                  label={typeof item.value === 'string' ? item.value : undefined}
                />
              ) : (
                (item.value ?? '–')
              )}
            </dd>
          </div>
        ))}
      </dl>
    </div>
  )
}
