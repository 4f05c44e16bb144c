'use client'
import { Accordion, Badge, Group, Text } from '@mantine/core'
import type { HostVerdict, PlacementView } from '@stratolith/api/kernel/contract'
import { IconCircleCheck, IconCircleX } from '@tabler/icons-react'
import classes from './Explanation.module.css'
import { placementWords } from './placement-words.ts'

/** The number of hosts with room, and for each host the check that refused it. Of many hosts only some are shown. */
export function Explanation({ placement }: { placement: PlacementView }) {
  const { verdicts } = placement
  if (verdicts.length === 0)
    return (
      <Text size="sm" c="dimmed">
        There is no host that could be asked.
      </Text>
    )
  return (
    <>
      {placement.total > verdicts.length && (
        <Text size="sm" c="dimmed" mb={4}>
          {placementWords(placement)}
        </Text>
      )}
      <Verdicts verdicts={verdicts} />
    </>
  )
}

function Verdicts({ verdicts }: { verdicts: HostVerdict[] }) {
  return (
    <Accordion variant="contained" chevronPosition="left" multiple>
      {verdicts.map((verdict) => (
        <Accordion.Item key={verdict.hostId} value={verdict.hostId}>
          <Accordion.Control>
            <Group gap="xs" wrap="nowrap">
              <Text size="sm" fw={600} truncate maw="50%" title={verdict.host} style={{ flexShrink: 0 }}>
                {verdict.host}
              </Text>
              <Badge
                variant="light"
                tt="none"
                style={{ flexShrink: 0 }}
                color={verdict.fits ? 'good' : 'bad'}
                leftSection={verdict.fits ? <IconCircleCheck size={14} /> : <IconCircleX size={14} />}
              >
                {verdict.fits ? 'fits' : 'does not fit'}
              </Badge>
              <Text size="xs" c="dimmed" lineClamp={1}>
                {verdict.checks.find((check) => !check.ok)?.reason ?? ''}
              </Text>
            </Group>
          </Accordion.Control>
          <Accordion.Panel>
            <Checks checks={verdict.checks} host={verdict.host} />
          </Accordion.Panel>
        </Accordion.Item>
      ))}
    </Accordion>
  )
}

function Checks({ checks, host }: { checks: HostVerdict['checks']; host: string }) {
  return (
    <div className={classes.scroll}>
      <table className={classes.checks} aria-label={`Checks of ${host}`}>
        <thead>
          <tr>
            <th scope="col">Check</th>
            <th scope="col">Needs</th>
            <th scope="col">Has</th>
            <th scope="col">Result</th>
          </tr>
        </thead>
        <tbody>
          {checks.map((check) => (
            <tr key={check.check} data-ok={check.ok}>
              <th scope="row">{check.check}</th>
              <td>{check.need}</td>
              <td>{check.have}</td>
              <td>
                <span className={classes.result}>
                  {check.ok ? (
                    <IconCircleCheck size={14} aria-hidden />
                  ) : (
                    <IconCircleX size={14} aria-hidden />
                  )}
                  {check.ok ? 'ok' : (check.reason ?? 'no')}
                </span>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
