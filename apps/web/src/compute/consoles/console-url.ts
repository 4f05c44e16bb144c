/** The WebSocket address of a console on the origin that the page came from. */
export const consoleUrl = (path: string, origin: string): string =>
  new URL(path, origin.replace(/^http/, 'ws')).href
