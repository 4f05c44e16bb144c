import type { Metadata } from 'next'
import { ConsoleWindow } from '../../../../../compute/consoles/ConsoleWindow.tsx'

export const metadata: Metadata = { title: 'Console' }
type Props = { params: Promise<{ id: string }>; searchParams: Promise<{ kind?: string }> }
export default async function Page({ params, searchParams }: Props) {
  const { kind } = await searchParams
  return <ConsoleWindow id={(await params).id} kind={kind === 'serial' ? 'serial' : 'vnc'} />
}
