'use client'
import { Text } from '@mantine/core'
import type { InstanceDetail } from '@stratolith/api/compute/contract'
import { useQuery } from '@tanstack/react-query'
import { DetailPage } from '../../kit/DetailPage.tsx'
import { Loaded } from '../../kit/Loaded.tsx'
import { lazyPart, lazyTab } from '../../kit/lazy-part.tsx'
import { paths } from '../../kit/paths.ts'
import { useSession } from '../../kit/session.ts'
import { useTRPC } from '../../kit/trpc.ts'
import { OperationsOf } from '../../operations/OperationsOf.tsx'
import { SerialConsole } from '../consoles/SerialConsole.tsx'
import { VncConsole } from '../consoles/VncConsole.tsx'
import { instanceDescriptor, listOf, sizeText } from './descriptor.tsx'
import { useInstanceForms } from './forms/use-instance-forms.tsx'
import { InstanceState } from './InstanceState.tsx'
import { MachineNotice } from './Machine.tsx'
import { whyNoConsole } from './state.ts'
import { OverviewTab } from './tabs/OverviewTab.tsx'
import { useInstanceActions } from './use-instance-actions.tsx'
import { Waiting } from './Waiting.tsx'

const FaultCard = lazyPart(() => import('./FaultCard.tsx').then((m) => m.FaultCard))
/** The code of a tab that is not open at first is loaded when the tab is opened. */
const ConsoleLog = lazyTab(() => import('../consoles/ConsoleLog.tsx').then((m) => m.ConsoleLog))
const InterfacesTab = lazyTab(() => import('./tabs/InterfacesTab.tsx').then((m) => m.InterfacesTab))
const VolumesTab = lazyTab(() => import('./tabs/VolumesTab.tsx').then((m) => m.VolumesTab))
const SecurityTab = lazyTab(() => import('./tabs/SecurityTab.tsx').then((m) => m.SecurityTab))

export function InstancePage({ id }: { id: string }) {
  const trpc = useTRPC()
  const query = useQuery(trpc.compute.instances.get.queryOptions({ id }))
  return <Loaded query={query}>{(view) => <Page view={view} />}</Loaded>
}

function Page({ view }: { view: InstanceDetail }) {
  const forms = useInstanceForms()
  const actions = useInstanceActions(forms.open)
  const { project } = useSession()
  const unavailable = whyNoConsole(view)
  return (
    <>
      <DetailPage
        descriptor={{ ...instanceDescriptor, ...listOf(view, project?.id ?? null) }}
        view={view}
        actions={actions}
        badge={<InstanceState view={view} />}
        description={
          <>
            {view.image.name && `${view.image.name} · `}
            {view.flavor.name} ({sizeText(view)})
            {view.activity && (
              <Text span size="sm" role="status">
                {' '}
                · {view.activity.title}
              </Text>
            )}
          </>
        }
        header={
          <>
            {view.fault && view.vmState === 'error' && <FaultCard view={view} fault={view.fault} />}
            <MachineNotice view={view} />
            <Waiting view={view} />
          </>
        }
        tabs={tabsOf(view, unavailable)}
      />
      {forms.panels}
    </>
  )
}

const tabsOf = (view: InstanceDetail, unavailable: string | null) => [
  {
    id: 'overview',
    label: 'Overview',
    content: <OverviewTab view={view} />,
  },
  {
    id: 'vnc',
    label: 'VNC console',
    content: (
      <VncConsole
        instanceId={view.id}
        unavailable={unavailable}
        windowHref={paths.consoleWindow(view.id, 'vnc')}
      />
    ),
  },
  {
    id: 'serial',
    label: 'Serial console',
    content: (
      <SerialConsole
        instanceId={view.id}
        unavailable={unavailable}
        windowHref={paths.consoleWindow(view.id, 'serial')}
      />
    ),
  },
  {
    id: 'log',
    label: 'Log',
    content: <ConsoleLog id={view.id} name={view.name} running={unavailable === null} />,
  },
  {
    id: 'interfaces',
    label: 'Interfaces',
    content: <InterfacesTab view={view} />,
  },
  { id: 'volumes', label: 'Volumes', content: <VolumesTab view={view} /> },
  { id: 'security', label: 'Security', content: <SecurityTab view={view} /> },
  {
    id: 'operations',
    label: 'Operations',
    content: <OperationsOf resourceId={view.id} projectId={view.projectId} />,
  },
]
