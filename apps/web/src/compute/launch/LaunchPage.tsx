'use client'
import { Skeleton, Stack } from '@mantine/core'
import { IconLock } from '@tabler/icons-react'
import { useSearchParams } from 'next/navigation'
import { useState } from 'react'
import { useInBrowser } from '../../kit/in-browser.ts'
import { LoadError } from '../../kit/Loaded.tsx'
import { lazyPart } from '../../kit/lazy-part.tsx'
import { useMay } from '../../kit/rights.ts'
import { type Session, useSession } from '../../kit/session.ts'
import { EmptyState } from '../../ui/EmptyState.tsx'
import { PageHeader } from '../../ui/PageHeader.tsx'
import { defaultFlavor, defaultImage, defaultNetwork, flavorTakes } from './defaults.ts'
import { addressChooses, lastChoice } from './draft.ts'
import { type LaunchOptions, useLaunchOptions } from './use-launch-options.ts'
import { emptyLaunch, type LaunchValues } from './values.ts'

const LaunchForm = lazyPart(() => import('./LaunchForm.tsx').then((module) => module.LaunchForm))
// The server cannot make the form, so its code is asked for at once, while the page itself is not live yet.
if (typeof window !== 'undefined') LaunchForm.ahead()

/** The parameters `?name=`, `?image=`, `?volume=`, `?snapshot=`, `?backup=`, `?flavor=`, `?network=`, `?key=` and `?group=` preset the form. */
export function LaunchPage() {
  const { options, error, retry } = useLaunchOptions()
  // The form begins with what is kept in the browser.
  const isInBrowser = useInBrowser()
  const params = useSearchParams()
  const allowed = useMay()()
  const session = useSession()
  const isReady = options !== null && isInBrowser
  // Somebody who loses the role while they type keeps what they have typed; the form's button says why it is disabled.
  const [isBegun, setBegun] = useState(false)
  if (allowed === true && isReady && !isBegun) setBegun(true)
  const isOpen = allowed === true || isBegun
  return (
    <>
      <PageHeader
        title="Launch instance"
        description="Type a name and press Enter; everything else has a default."
      />
      {!isOpen && (
        <EmptyState icon={<IconLock size={28} />} title="You may look, but not launch" text={allowed} />
      )}
      {error !== null && <LoadError error={error} retry={retry} />}
      {isOpen && isReady && (
        <LaunchForm options={options} {...begin(options, params, ownerOf(session))} waiting={<Waiting />} />
      )}
      {isOpen && !isReady && !error && <Waiting />}
    </>
  )
}

const ownerOf = ({ userId, project }: Session) => ({ userId, projectId: project?.id ?? null })
type Owner = ReturnType<typeof ownerOf>

/** Returns the form's first values, or its half-typed values from before the page was left. */
function begin(options: LaunchOptions, params: URLSearchParams, owner: Owner) {
  return {
    initialValues: initial(options, params, lastChoice(localStorage, owner)),
    owner,
    mayDraft: !addressChooses(params),
  }
}

function initial(
  options: LaunchOptions,
  params: URLSearchParams,
  last: ReturnType<typeof lastChoice>,
): LaunchValues {
  const image = defaultImage(options.images, params.get('image') ?? last.imageId)
  const flavorId = params.get('flavor') ?? last.flavorId
  const wished = options.flavors.find(
    (flavor) => flavor.id === flavorId && flavorTakes(flavor, image) === true,
  )
  const network =
    options.networks.find(({ id }) => id === params.get('network')) ?? defaultNetwork(options.networks)
  const key = options.keyPairs.find(({ name }) => name === params.get('key')) ?? options.keyPairs[0]
  const routed = network ? Boolean(network.router?.externalAddress) : options.networks.length === 0
  return {
    ...emptyLaunch,
    source: (['backup', 'snapshot', 'volume'] as const).find((one) => params.has(one)) ?? 'image',
    volumeId: params.get('volume'),
    snapshotId: params.get('snapshot'),
    backupId: params.get('backup'),
    name: params.get('name') ?? '',
    imageId: image?.id ?? null,
    flavorId: (wished ?? defaultFlavor(options.flavors, image))?.id ?? null,
    networkIds: network ? [network.id] : [],
    keyName: key?.name ?? null,
    serverGroupId: params.get('group'),
    publicIp: options.externalNetwork !== null && routed,
  }
}

function Waiting() {
  return (
    <Stack gap="md" role="status" aria-busy aria-label="Loading">
      <Skeleton height={110} radius="md" />
      <Skeleton height={170} radius="md" />
      <Skeleton height={280} radius="md" />
    </Stack>
  )
}
