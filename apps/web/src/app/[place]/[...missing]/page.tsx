import { notFound } from 'next/navigation'

/**
 * Answers every address that no other page has: not-found.tsx beside this file says so inside of the shell, from which
 * the person can go on.
 */
export default function Page() {
  notFound()
}
