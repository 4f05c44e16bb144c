'use client'
import { createContext, useContext, useEffect } from 'react'

/** Tells the form around a field why the form cannot succeed; null: nothing is known against it. */
export const FormBlock = createContext<(why: string | null) => void>(() => undefined)

/** Disables the button of the form around as long as there is a reason, which the button then says. */
export function useFormBlock(why: string | null): void {
  const tell = useContext(FormBlock)
  useEffect(() => {
    tell(why)
    return () => tell(null)
  }, [tell, why])
}
