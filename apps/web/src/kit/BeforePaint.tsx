import { beforePaint } from './before-paint.ts'

/** Runs before the page is painted for the first time, because the server does not know what is kept in the browser. */
export const BeforePaint = ({ userId, nonce }: { userId: string; nonce: string | undefined }) => (
  <script nonce={nonce} suppressHydrationWarning>
    {beforePaint(userId)}
  </script>
)
