'use client'
import { Button, SimpleGrid, Text, ThemeIcon } from '@mantine/core'
import { IconCheck, IconKey, IconNetwork, IconRocket } from '@tabler/icons-react'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { LaunchButton } from '../compute/launch/LaunchButton.tsx'
import { Link } from '../kit/navigation.tsx'
import { notify } from '../kit/notify.ts'
import { creating, paths } from '../kit/paths.ts'
import { all, useMay } from '../kit/rights.ts'
import { invalidateKind } from '../kit/stale.ts'
import { useTRPC } from '../kit/trpc.ts'
import { isListWaited, listRead } from '../networking/list-read.ts'
import { useStarterOffer } from '../networking/lookups.ts'
import { ReasonButton } from '../ui/ReasonButton.tsx'
import { Section } from '../ui/Section.tsx'
import classes from './Onboarding.module.css'
import { keyPairRead } from './reads.ts'

/** Three steps from an empty project to a running instance; finished steps are ticked off. */
export function Onboarding() {
  const trpc = useTRPC()
  const client = useQueryClient()
  const allowed = useMay()()
  const { offer, name, ...list } = useStarterOffer()
  const keyPairs = useQuery(keyPairRead(trpc))
  const starter = useMutation(
    trpc.networking.networks.starter.mutationOptions({
      onSuccess: (network) => {
        invalidateKind(client, 'network')
        notify.done(`Network ${network.name} with a way out is on its way.`)
      },
      onError: notify.failed,
    }),
  )
  const hasNetwork = offer?.hasWayOut === true
  const hasKey = (keyPairs.data?.total ?? 0) > 0
  const next = hasNetwork ? (hasKey ? 3 : 2) : 1
  return (
    <Section title="Your first instance" description="Three steps, about a minute.">
      <SimpleGrid cols={{ base: 1, sm: 3 }} spacing="md" component="ol" className={classes.steps}>
        <Step
          number={1}
          title="A network with a way out"
          text="A private network, its router to the outside, and addresses by DHCP."
          icon={<IconNetwork size={20} />}
          done={hasNetwork}
        >
          <ReasonButton
            fullWidth
            variant={next === 1 ? 'filled' : 'default'}
            loading={starter.isPending || isListWaited(list)}
            allowed={all(allowed, listRead(list), !hasNetwork || 'There is a network with a way out.')}
            onClick={() => starter.mutate({ name })}
          >
            Create the starter network
          </ReasonButton>
        </Step>
        <Step
          number={2}
          title="A key pair for SSH"
          text="Import your public key, or let us make a pair. You can also do it while you launch."
          icon={<IconKey size={20} />}
          done={hasKey}
        >
          <Button
            fullWidth
            component={Link}
            href={creating(paths.keyPairs)}
            variant={next === 2 ? 'filled' : 'default'}
          >
            Create key pair
          </Button>
        </Step>
        <Step
          number={3}
          title="Launch"
          text="Choose an image and a size. The form says at once whether it fits, and why not."
          icon={<IconRocket size={20} />}
          done={false}
        >
          <LaunchButton fullWidth variant={next === 3 ? 'filled' : 'default'} />
        </Step>
      </SimpleGrid>
    </Section>
  )
}

function Step({
  number,
  title,
  text,
  icon,
  done,
  children,
}: {
  number: number
  title: string
  text: string
  icon: ReactNode
  done: boolean
  children: ReactNode
}) {
  return (
    <li className={classes.step}>
      <div className={classes.head}>
        <ThemeIcon variant="light" size={36} radius="xl" color={done ? 'good' : undefined} aria-hidden>
          {done ? <IconCheck size={20} /> : icon}
        </ThemeIcon>
        <Text fw={600}>
          {number}. {title}
          {done ? ' (done)' : ''}
        </Text>
      </div>
      <Text size="sm" c="dimmed" className={classes.text}>
        {text}
      </Text>
      {children}
    </li>
  )
}
