import type { ClosedTo } from './navigation.tsx'

/** What an administrator reads who opens a page of a project without being in one. */
export const ofOneProject = {
  title: 'This page is of one project',
  text: 'You look at the whole cloud: no project is chosen, or you have no role in the project of the link. Choose a project of yours at the top, or see what all projects have.',
}

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
