'use client'
import { Box } from '@mantine/core'
import { encode } from 'uqr'

/** A QR code as one SVG path. It is dark on white in every colour scheme, because cameras cannot read other codes. */
export function QrCode({ text, label }: { text: string; label: string }) {
  const { data, size } = encode(text, { border: 3 })
  const path = data
    .flatMap((row, y) => row.flatMap((dark, x) => (dark ? [`M${x} ${y}h1v1h-1z`] : [])))
    .join('')
  return (
    <Box w={220} maw="100%">
      <svg
        role="img"
        aria-label={label}
        viewBox={`0 0 ${size} ${size}`}
        shapeRendering="crispEdges"
        style={{ display: 'block', width: '100%', borderRadius: 8 }}
      >
        <rect width={size} height={size} fill="#fff" />
        <path d={path} fill="#000" />
      </svg>
    </Box>
  )
}
