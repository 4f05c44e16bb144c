import fs from 'node:fs'

const shell = '/usr/lib/chromium/chromium-headless-shell'

/**
 * Debian's browser without a window: what is not there need not be drawn, which takes two fifths of the processor
 * time. A machine that has only the whole browser is tested with that.
 */
export const browserProgram = fs.existsSync(shell) ? shell : '/usr/bin/chromium'
