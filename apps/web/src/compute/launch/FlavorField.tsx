'use client'
import { Anchor, Radio, Table, Text, ThemeIcon } from '@mantine/core'
import type { FlavorView } from '@stratolith/api/compute/contract'
import { IconAlertTriangle, IconCheck } from '@tabler/icons-react'
import Link from 'next/link'
import { gib, mib } from '../../kit/format.ts'
import { paths } from '../../kit/paths.ts'
import { useSession } from '../../kit/session.ts'
import { Hint } from '../../ui/Hint.tsx'
import { FormSection } from './FormSection.tsx'
import classes from './launch.module.css'

type Props = {
  flavors: FlavorView[]
  value: string | null
  onChange: (id: string) => void
  /** Flavor id → why it would not do now. Such a size stays visible and can be looked into. */
  problems: Map<string, string>
  error?: string
}

export function FlavorField({ flavors, value, onChange, problems, error }: Props) {
  const { isAdmin } = useSession()
  // The chosen row says it already.
  const said = value !== null && problems.get(value) === error
  return (
    <FormSection id="flavor" title="Size" error={said ? undefined : error}>
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
          <Table verticalSpacing="xs" highlightOnHover>
            <Table.Thead>
              <Table.Tr>
                <Table.Th>Flavor</Table.Th>
                <Table.Th visibleFrom="xs">vCPU</Table.Th>
                <Table.Th visibleFrom="xs">Memory</Table.Th>
                <Table.Th visibleFrom="xs">Disk</Table.Th>
                <Table.Th visibleFrom="sm">Fits</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {flavors.map((flavor) => (
                <FlavorRow
                  key={flavor.id}
                  flavor={flavor}
                  problem={problems.get(flavor.id) ?? null}
                  chosen={flavor.id === value}
                  onChoose={() => onChange(flavor.id)}
                />
              ))}
            </Table.Tbody>
          </Table>
        </Radio.Group>
      )}
    </FormSection>
  )
}

type RowProps = { flavor: FlavorView; problem: string | null; chosen: boolean; onChoose: () => void }

function FlavorRow({ flavor, problem, chosen, onChoose }: RowProps) {
  return (
    <Table.Tr className={classes.choice} data-chosen={chosen || undefined} onClick={onChoose}>
      <Table.Td>
        <Radio
          value={flavor.id}
          label={flavor.name}
          description={
            <>
              {/* the columns have no room on a phone */}
              <Text span size="xs" hiddenFrom="xs">
                {flavor.vcpus} vCPU · {mib(flavor.memoryMib)} · {gib(flavor.diskGib)}{' '}
              </Text>
              {problem && <span className={classes.whyNot}>{problem}</span>}
            </>
          }
        />
      </Table.Td>
      <Table.Td visibleFrom="xs">{flavor.vcpus}</Table.Td>
      <Table.Td visibleFrom="xs" className={classes.number}>
        {mib(flavor.memoryMib)}
      </Table.Td>
      <Table.Td visibleFrom="xs" className={classes.number}>
        {gib(flavor.diskGib)}
      </Table.Td>
      <Table.Td visibleFrom="sm">
        <Hint label={problem ?? 'There is room and quota for it.'}>
          <ThemeIcon
            size="sm"
            variant="light"
            color={problem ? 'orange' : 'teal'}
            role="img"
            aria-label={problem ? 'does not fit' : 'fits'}
          >
            {problem ? <IconAlertTriangle size={14} /> : <IconCheck size={14} />}
          </ThemeIcon>
        </Hint>
      </Table.Td>
    </Table.Tr>
  )
}
