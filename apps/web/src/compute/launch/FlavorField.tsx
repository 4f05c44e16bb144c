'use client'
import { Anchor, Box, Radio, Text, ThemeIcon } from '@mantine/core'
import type { FlavorView } from '@stratolith/api/compute/contract'
import { IconAlertTriangle, IconCheck } from '@tabler/icons-react'
import { gib, mib } from '../../kit/format.ts'
import { Link } from '../../kit/navigation.tsx'
import { paths } from '../../kit/paths.ts'
import { useSession } from '../../kit/session.ts'
import { Hint } from '../../ui/Hint.tsx'
import { disksOfFlavor, localDisksText } from '../size-words.ts'
import { FormSection } from './FormSection.tsx'
import classes from './launch.module.css'

type Props = {
  flavors: FlavorView[]
  value: string | null
  onChange: (id: string) => void
  /**
   * Flavor ID → the reason why the size would not do now. Such a size can be chosen nevertheless, so that the person
   * can look into the reason.
   */
  problems: Map<string, string>
  /** True: nothing can be launched now, which another part of the form says, so no size is marked as too large. */
  closed: boolean
  error?: string
}

export function FlavorField({ flavors, value, onChange, problems, closed, error }: Props) {
  const { isAdmin } = useSession()
  // The reasons of the other sizes are shown when the pointer is on their marks: the same sentence seven times would
  // not help.
  const why = error ?? (value === null ? undefined : problems.get(value))
  return (
    <FormSection title="Size" error={why}>
      {flavors.length === 0 ? (
        <Text size="sm">
          There is no flavor yet.{' '}
          {isAdmin ? (
            <Anchor component={Link} href={`${paths.adminFlavors}?create=1`} underline="always">
              Create one
            </Anchor>
          ) : (
            'An administrator makes them.'
          )}
        </Text>
      ) : (
        <Radio.Group value={value} onChange={onChange} aria-label="Size">
          <table className={classes.choices}>
            <thead>
              <tr>
                <th scope="col">Flavor</th>
                {['vCPU', 'Memory', 'Disk'].map((heading) => (
                  <Box key={heading} component="th" scope="col" visibleFrom="xs">
                    {heading}
                  </Box>
                ))}
                {!closed && (
                  <Box component="th" scope="col" visibleFrom="sm">
                    Fits
                  </Box>
                )}
              </tr>
            </thead>
            <tbody>
              {flavors.map((flavor) => (
                <FlavorRow
                  key={flavor.id}
                  flavor={flavor}
                  problem={problems.get(flavor.id) ?? null}
                  closed={closed}
                  chosen={flavor.id === value}
                  onChoose={() => onChange(flavor.id)}
                />
              ))}
            </tbody>
          </table>
        </Radio.Group>
      )}
    </FormSection>
  )
}

type RowProps = {
  flavor: FlavorView
  problem: string | null
  closed: boolean
  chosen: boolean
  onChoose: () => void
}

function FlavorRow({ flavor, problem, closed, chosen, onChoose }: RowProps) {
  return (
    <tr className={classes.choice} data-chosen={chosen || undefined} onClick={onChoose}>
      <td>
        <Radio
          value={flavor.id}
          label={flavor.name}
          description={
            // A phone has no room for the columns.
            <Text span size="xs" hiddenFrom="xs">
              {flavor.vcpus} vCPU · {mib(flavor.memoryMib)} · {disksOfFlavor(flavor)}
              {problem && ' · does not fit'}
            </Text>
          }
        />
      </td>
      <Box component="td" visibleFrom="xs">
        {flavor.vcpus}
      </Box>
      <Box component="td" visibleFrom="xs" className={classes.number}>
        {mib(flavor.memoryMib)}
      </Box>
      <Box component="td" visibleFrom="xs" className={classes.number}>
        {gib(flavor.diskGib)}
        {localDisksText(flavor) && (
          <Text span size="xs" c="dimmed" display="block">
            {localDisksText(flavor)}
          </Text>
        )}
      </Box>
      {!closed && <Fits problem={problem} />}
    </tr>
  )
}

function Fits({ problem }: { problem: string | null }) {
  return (
    <Box component="td" visibleFrom="sm">
      <Hint label={problem ?? 'There is room and quota for it.'}>
        <ThemeIcon
          size="sm"
          variant="light"
          color={problem ? 'warn' : 'good'}
          role="img"
          aria-label={problem ? `does not fit: ${problem}` : 'fits'}
        >
          {problem ? <IconAlertTriangle size={14} /> : <IconCheck size={14} />}
        </ThemeIcon>
      </Hint>
    </Box>
  )
}
