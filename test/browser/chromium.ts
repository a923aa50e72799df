import { existsSync } from 'node:fs'
import { type Browser, chromium } from 'playwright-core'

const installed = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/usr/bin/google-chrome-stable',
]

/** Keeps the browser from looking anything up on its own. */
const quiet = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** A real Chromium: `CHROME_PATH`, else an installed one, else the one that comes from the registry. */
export async function launchChromium(): Promise<Browser> {
  const path = process.env.CHROME_PATH ?? installed.find(candidate => existsSync(candidate))
  if (path) return chromium.launch({ executablePath: path, args: quiet })
  // It unpacks its own NSS and fonts only when it believes to be in a function of this kind.
  process.env.AWS_EXECUTION_ENV = 'AWS_Lambda_nodejs20.x'
  const { default: bundled } = await import('@sparticuz/chromium')
  return chromium.launch({
    executablePath: await bundled.executablePath(),
    args: [...bundled.args, ...quiet],
  })
}
