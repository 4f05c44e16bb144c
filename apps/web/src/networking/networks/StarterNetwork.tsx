'use client'
import { IconSparkles } from '@tabler/icons-react'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { confirm } from '../../kit/confirm.tsx'
import { useRouter } from '../../kit/navigation.tsx'
import { notify } from '../../kit/notify.ts'
import { paths } from '../../kit/paths.ts'
import { all, useMay } from '../../kit/rights.ts'
import { invalidateKind } from '../../kit/stale.ts'
import { useTRPC } from '../../kit/trpc.ts'
import { ReasonButton } from '../../ui/ReasonButton.tsx'
import { listRead } from '../list-read.ts'
import { useExternalNetworks, useOutside, useStarterOffer } from '../lookups.ts'
import { starterMade } from '../outside.ts'

const question = {
  title: 'Make another starter network?',
  body: 'The project has a network with a way out already. Another one takes a router and a public address of its own.',
  confirmLabel: 'Make it',
}

/** Makes with one click a network, a subnet and a router with a way out, then opens the network's page. */
export function StarterNetworkButton() {
  const trpc = useTRPC()
  const router = useRouter()
  const client = useQueryClient()
  const may = useMay()
  const { offer, name, ...list } = useStarterOffer()
  const external = useExternalNetworks()
  const { closed } = useOutside()
  const starter = useMutation(trpc.networking.networks.starter.mutationOptions())
  const mayLeadOut =
    !external.ready ||
    external.networks.length > 0 ||
    'This cloud has no external network yet, so nothing leads out. An administrator creates one first.'
  const make = async () => {
    if (offer?.hasWayOut && !(await confirm(question))) return
    starter.mutate(
      { name },
      {
        onSuccess: (network) => {
          notify.done(starterMade(network.name, closed))
          invalidateKind(client, 'network')
          router.push(paths.network(network.id))
        },
        onError: notify.failed,
      },
    )
  }
  return (
    <ReasonButton
      variant="default"
      leftSection={<IconSparkles size={16} />}
      allowed={all(may(), listRead(list), mayLeadOut)}
      loading={starter.isPending}
      onClick={() => void make()}
    >
      Starter network
    </ReasonButton>
  )
}
