/* biome-ignore-all lint/style/noDefaultExport: this is how noVNC exports */
/** The part of noVNC 1.7 that the portal uses (docs/API.md of the package); the package has no types of its own. */
declare module '@novnc/novnc' {
  export default class RFB extends EventTarget {
    constructor(target: HTMLElement, channel: WebSocket, options?: { shared?: boolean })
    scaleViewport: boolean
    resizeSession: boolean
    focusOnClick: boolean
    viewOnly: boolean
    background: string
    qualityLevel: number
    compressionLevel: number
    disconnect(): void
    focus(): void
    blur(): void
    sendCtrlAltDel(): void
    /** `down` left out: the key is pressed and released. `code` null: the key is named by its keysym alone. */
    sendKey(keysym: number, code: string | null, down?: boolean): void
  }
}
