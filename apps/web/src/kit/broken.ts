/** What a page says that failed while it was rendered, and whether only loading the page again helps. */
export function describeBroken(error: Error & { digest?: string }): {
  title: string
  text: string
  reload: boolean
} {
  // Code that did not arrive is not asked for again by the page that runs.
  if (error.name === 'ChunkLoadError')
    return {
      title: 'A part of the portal did not arrive',
      text: 'The connection was gone for a moment, or the portal has been renewed meanwhile. Load the page again when the connection is back.',
      reload: true,
    }
  const said = error.message || 'Something went wrong while it was drawn.'
  return { title: 'This page broke', text: error.digest ? `${said} (${error.digest})` : said, reload: false }
}
