/** Returns the WebSocket address of a console at the page's own origin. */
export const consoleUrl = (path: string, origin: string): string =>
  new URL(path, origin.replace(/^http/, 'ws')).href
