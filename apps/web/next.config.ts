import os from 'node:os'
import path from 'node:path'
import type { NextConfig } from 'next'

/** In `npm run dev` the front door is another origin to Next; it is opened under these names. */
const ownNames = [
  'localhost',
  os.hostname(),
  ...Object.values(os.networkInterfaces()).flatMap((list) => (list ?? []).map(({ address }) => address)),
]

const config: NextConfig = {
  allowedDevOrigins: ownNames,
  // The contracts are TypeScript sources of the api's workspace.
  transpilePackages: ['@stratolith/api'],
  turbopack: { root: path.join(import.meta.dirname, '../..') },
  poweredByHeader: false,
  // We show no picture by next/image, whose address would scale pictures for everybody who asks, under any spelling.
  images: { unoptimized: true },
  reactStrictMode: true,
  // `npm run check` does it with the same tsconfig; a build repeats nothing.
  typescript: { ignoreBuildErrors: true },
  experimental: { optimizePackageImports: ['@mantine/core', '@mantine/hooks', '@tabler/icons-react'] },
  // The Content-Security-Policy has a nonce and is set in src/proxy.ts.
  headers: async () => [
    {
      source: '/:path*',
      headers: [
        { key: 'X-Content-Type-Options', value: 'nosniff' },
        { key: 'X-Frame-Options', value: 'DENY' },
        { key: 'Referrer-Policy', value: 'same-origin' },
        { key: 'Cross-Origin-Opener-Policy', value: 'same-origin' },
        { key: 'Cross-Origin-Resource-Policy', value: 'same-origin' },
        {
          key: 'Permissions-Policy',
          value: 'camera=(), microphone=(), geolocation=(), payment=(), usb=()',
        },
      ],
    },
  ],
}
export default config
