'use client'
import { createContext, type ReactNode } from 'react'

/** The link to the guide that every title row shows behind the title; the shell provides it. */
export const HelpSlot = createContext<ReactNode>(null)
