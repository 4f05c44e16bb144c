'use client'
import type { VolumeTypeView } from '@stratolith/api/volumes/contract'
import { useQuery } from '@tanstack/react-query'
import { DetailPage } from '../../kit/DetailPage.tsx'
import { Loaded } from '../../kit/Loaded.tsx'
import { useTRPC } from '../../kit/trpc.ts'
import { Columns } from '../../ui/Columns.tsx'
import { Facts } from '../../ui/Fact.tsx'
import { Section } from '../../ui/Section.tsx'
import { encryptionWords } from '../words.ts'
import { typeDescriptor } from './descriptor.tsx'
import { inOneLine, typeLimitWords } from './limit-words.ts'
import { TypeAccess } from './TypeAccess.tsx'
import { TypeEncryption } from './TypeEncryption.tsx'
import { TypeExtraSpecs, TypeLimits } from './TypeSpecs.tsx'
import { useTypeActions } from './use-type-actions.tsx'

export function TypePage({ id }: { id: string }) {
  const trpc = useTRPC()
  const type = useQuery(trpc.volumes.types.get.queryOptions({ id }))
  return <Loaded query={type}>{(view) => <Detail type={view} />}</Loaded>
}

function Detail({ type }: { type: VolumeTypeView }) {
  const { actions, panels } = useTypeActions()
  return (
    <>
      <DetailPage
        descriptor={typeDescriptor}
        view={type}
        actions={actions}
        tabs={[
          { id: 'overview', label: 'Overview', content: <Overview type={type} /> },
          { id: 'access', label: 'Access', content: <TypeAccess type={type} /> },
        ]}
      />
      {panels}
    </>
  )
}

function Overview({ type }: { type: VolumeTypeView }) {
  return (
    <Columns
      side={
        <Section title="Facts">
          <Facts
            items={[
              { label: 'ID', value: type.id, copy: type.id },
              { label: 'Speed', value: inOneLine(typeLimitWords(type.limits)) },
              { label: 'Encryption', value: type.encryption ? encryptionWords(type.encryption) : 'None' },
              { label: 'For several instances', value: type.multiattach ? 'Yes' : 'No' },
              { label: 'For', value: type.public ? 'everybody' : 'the projects under Access' },
              { label: 'Default', value: type.isDefault ? 'Yes' : 'No' },
              ...(type.description ? [{ label: 'Description', value: type.description }] : []),
            ]}
          />
        </Section>
      }
    >
      <TypeEncryption type={type} />
      <TypeLimits type={type} />
      <TypeExtraSpecs type={type} />
    </Columns>
  )
}
