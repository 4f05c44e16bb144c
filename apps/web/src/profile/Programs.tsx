'use client'
import { Anchor, Tabs } from '@mantine/core'
import type { AccessView } from '@stratolith/api/catalog/contract'
import { Link } from '../kit/navigation.tsx'
import { paths } from '../kit/paths.ts'
import { Section } from '../ui/Section.tsx'
import { Snippet } from '../ui/Snippet.tsx'
import { type CloudPlace, cloudsYaml } from './cloud-files.ts'
import { curlSnippet, pythonSnippet, terraformSnippet } from './snippets.ts'

/** The first lines of a program that works with this cloud, for several tools. */
export function Programs({ access, place }: { access: AccessView; place: CloudPlace }) {
  const tabs = [
    { id: 'clouds', name: 'clouds.yaml', label: 'clouds.yaml', text: cloudsYaml(place) },
    { id: 'terraform', name: 'Terraform', label: 'main.tf', text: terraformSnippet },
    { id: 'python', name: 'Python', label: 'list.py', text: pythonSnippet },
    { id: 'curl', name: 'curl', label: 'Shell', text: curlSnippet(access) },
  ]
  return (
    <Section
      title="Programs"
      description={
        <>
          For what runs without you, put an{' '}
          <Anchor component={Link} href={`${paths.profile}?tab=credentials`} inherit underline="always">
            application credential
          </Anchor>{' '}
          into clouds.yaml instead of your name.
        </>
      }
    >
      <Tabs defaultValue="clouds">
        <Tabs.List mb="sm">
          {tabs.map(({ id, name }) => (
            <Tabs.Tab key={id} value={id}>
              {name}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        {tabs.map(({ id, label, text }) => (
          <Tabs.Panel key={id} value={id}>
            <Snippet label={label} text={text} />
          </Tabs.Panel>
        ))}
      </Tabs>
    </Section>
  )
}
