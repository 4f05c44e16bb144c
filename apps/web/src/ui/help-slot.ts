'use client'
import { createContext, type ReactNode } from 'react'

/** What every title row shows behind the title: the way to the guide, which the shell knows. */
export const HelpSlot = createContext<ReactNode>(null)
