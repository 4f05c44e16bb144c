import { notFound } from 'next/navigation'

/** Whatever is at no other address: not-found.tsx beside it says so inside of the shell, which leads on. */
export default function Page() {
  notFound()
}
