import type { ClosedTo } from './navigation.tsx'

/** Tells a person who cannot open a page for whom the page is. */
export const closedWords: Record<ClosedTo, { title: string; text: string }> = {
  project: {
    title: 'Choose a project first',
    text: 'This page shows what is in a project. Choose one at the top.',
  },
  directory: {
    title: 'This page is not for your role',
    text: 'Administrators of the cloud or of a domain work here. Ask one of them if you need something of it.',
  },
  cloud: {
    title: 'This page is not for your role',
    text: 'Administrators of the cloud work here. Ask one of them if you need something of it.',
  },
}
