'use client'
import {
  Alert,
  Anchor,
  Button,
  Group,
  Kbd,
  List,
  Loader,
  Paper,
  Skeleton,
  Stack,
  Text,
  Title,
} from '@mantine/core'
import type { FlavorView, LaunchPlan } from '@stratolith/api/compute/contract'
import type { ErrorView } from '@stratolith/api/kernel/contract'
import { IconAlertTriangle, IconRocket } from '@tabler/icons-react'
import { AsCode } from '../../kit/AsCode.tsx'
import { cloudError } from '../../kit/errors.ts'
import { gib, mib } from '../../kit/format.ts'
import { Link } from '../../kit/navigation.tsx'
import { paths } from '../../kit/paths.ts'
import { useMay } from '../../kit/rights.ts'
import { useSession } from '../../kit/session.ts'
import { useOutside } from '../../networking/lookups.ts'
import { OkIcon } from '../../ui/OkIcon.tsx'
import { localDisksText } from '../size-words.ts'
import { disksText, isRootChosen, isRootOnVolume } from './disks.ts'
import classes from './launch.module.css'
import { PlacementSummary } from './PlacementSummary.tsx'
import { QuotaSummary } from './QuotaSummary.tsx'
import { type LaunchValues, launchNames, loginPlan } from './values.ts'

type Props = {
  values: LaunchValues
  /** The name of the image, volume or snapshot from which the instance starts. */
  source: string | null
  flavor: FlavorView | null
  plan: LaunchPlan | null
  fresh: boolean
  planError: unknown
  /** True: the launch makes the starter network first. */
  starter: boolean
  busy: boolean
  failure: ErrorView | null
  cli: string
}

/** Shows what will happen, and follows what the person types; its button launches. */
export function LaunchSummary(props: Props) {
  const { values, source, flavor, plan, fresh, planError, busy, failure, cli } = props
  const allowed = useMay()()
  const wrong = plan && fresh && !plan.ok ? (plan.closed ?? plan.problems[0]?.message) : null
  const problem = allowed === true ? wrong : allowed
  const isChosen = isRootChosen(values)
  return (
    <Paper component="aside" withBorder radius="md" aria-label="Summary" className={classes.panel}>
      {/* A story that is longer than the window can be scrolled, also by keyboard. */}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reached by keyboard */}
      <section className={classes.story} tabIndex={0} aria-label="What will be launched">
        <Stack gap="sm">
          <Group justify="space-between">
            <Title order={2} size="h5">
              Summary
            </Title>
            {!fresh && <Loader size="xs" role="status" aria-label="Working it out" />}
          </Group>
          <What values={values} source={source} flavor={flavor} />
          {planError !== null && !plan && <Text size="sm">{cloudError(planError).message}</Text>}
          {!plan && planError === null && <Skeleton height={320} />}
          {plan && !isChosen && (
            <Text size="sm">
              Choose a {values.source} first: where the instance fits, and what it takes of the quota, follow
              from it.
            </Text>
          )}
          {plan && flavor && isChosen && <PlacementSummary plan={plan} />}
          {plan && isChosen && <QuotaSummary quota={plan.quota} />}
          {plan && <Reach plan={plan} publicIp={values.publicIp} starter={props.starter} />}
          <Login values={values} />
          <AsCode cli={cli} folded />
        </Stack>
      </section>
      <div className={classes.go}>
        {failure && !failure.field && (
          <Alert
            color="bad"
            variant="light"
            icon={<IconAlertTriangle />}
            title={failure.message}
            role="alert"
          >
            {failure.requestId && <Text size="xs">Request {failure.requestId}</Text>}
          </Alert>
        )}
        {problem && (
          <Text size="sm" c="var(--mantine-color-error)" role="status">
            {problem}
          </Text>
        )}
        {plan?.closed && <HostsLink />}
        <Button
          type="submit"
          size="md"
          fullWidth
          loading={busy}
          disabled={Boolean(problem)}
          leftSection={<IconRocket size={18} />}
        >
          {launchNames(values.name, values.count).length > 1 ? `Launch ${values.count} instances` : 'Launch'}
        </Button>
        <Text size="xs" c="dimmed" ta="center" className={classes.keys}>
          <Kbd size="xs">Enter</Kbd> in a field, or <Kbd size="xs">Ctrl</Kbd>+<Kbd size="xs">Enter</Kbd>{' '}
          anywhere
        </Text>
      </div>
    </Paper>
  )
}

/** Only an administrator can look at the hosts. */
function HostsLink() {
  const { isAdmin } = useSession()
  return (
    isAdmin && (
      <Anchor component={Link} size="sm" href={paths.adminHosts}>
        Look at the hosts
      </Anchor>
    )
  )
}

function What({ values, source, flavor }: Pick<Props, 'values' | 'source' | 'flavor'>) {
  const names = launchNames(values.name, values.count)
  return (
    <div>
      <Text fw={600} c={values.name.trim() ? undefined : 'dimmed'} style={{ overflowWrap: 'anywhere' }}>
        {!values.name.trim()
          ? 'no name yet'
          : names.length === 1
            ? names[0]
            : `${names.length} × ${names[0]} … ${names.at(-1)}`}
      </Text>
      <Text size="sm" c="dimmed">
        {source ?? `no ${values.source} yet`}
      </Text>
      <Text size="sm" c="dimmed">
        {flavor
          ? `${flavor.name}: ${flavor.vcpus} vCPU, ${mib(flavor.memoryMib)}${isRootOnVolume(values) ? '' : `, ${gib(flavor.diskGib)} disk`}`
          : 'no size yet'}
      </Text>
      {flavor && localDisksText(flavor) && (
        <Text size="sm" c="dimmed">
          {localDisksText(flavor)}: deleted with the instance
        </Text>
      )}
      {disksText(values) && (
        <Text size="sm" c="dimmed">
          {disksText(values)}
        </Text>
      )}
    </div>
  )
}

/** Says who can reach the instance and from where; the plan knows this before the instance exists. */
function Reach({ plan, publicIp, starter }: { plan: LaunchPlan; publicIp: boolean; starter: boolean }) {
  const networks = starter
    ? 'starter-net (made first)'
    : plan.networks.map((network) => network.name).join(', ')
  return (
    <Stack gap={4}>
      <Text size="sm" fw={600}>
        Network
      </Text>
      <Text size="sm" c="dimmed">
        {networks || 'none yet'} · {publicIp ? 'with a public IP' : 'no public IP'}
      </Text>
      {publicIp && !starter && (
        <List size="sm" spacing={2} center listStyleType="none">
          {plan.reach.map((way) => (
            <List.Item
              key={way.what}
              icon={<OkIcon ok={way.ok} label={way.ok ? 'open' : 'closed'} badColor="gray" />}
            >
              {way.what}
              {way.reason && (
                <Text span size="xs" c="dimmed">
                  {' '}
                  {way.reason}
                </Text>
              )}
            </List.Item>
          ))}
        </List>
      )}
    </Stack>
  )
}

function Login({ values }: { values: LaunchValues }) {
  const { closed } = useOutside()
  return (
    <Stack gap={4}>
      <Text size="sm" fw={600}>
        Logging in
      </Text>
      <Text size="sm" c="dimmed">
        {loginPlan(values, closed)}
      </Text>
    </Stack>
  )
}
