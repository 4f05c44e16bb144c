/* biome-ignore-all lint/style/noDefaultExport: this is how noVNC exports */
/** What we use of noVNC 1.7 (docs/API.md of the package); it brings no types of its own. */
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
    /** `down` absent: pressed and released. `code` null: by keysym alone. */
    sendKey(keysym: number, code: string | null, down?: boolean): void
  }
}
