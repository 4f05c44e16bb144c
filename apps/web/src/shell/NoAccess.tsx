'use client'
import { lazyPart } from '../kit/lazy-part.tsx'

/** `NoAccessPage`, whose code nearly no page needs. */
export const NoAccess = lazyPart(() => import('./NoAccessPage.tsx').then((module) => module.NoAccessPage))
