import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Served } from '../../sim-core/cli/serve.ts'
import { launchChromium } from './chromium.ts'
import { serveApplication } from './served-application.ts'

/** What the four zoom levels look like. `GLASSMESH_PICTURES=write` takes new ones; look at them before they are committed. */
const FOLDER = 'test/browser/pictures'
const MOST_BYTES = 100 * 1024
/** Fonts differ between machines, so pictures are compared coarsely: so many cells across, and so much difference of 255 in the mean. */
const CELLS = 48
const DIFFERENCE = 14

const held: { browser?: Browser; served?: Served } = {}

beforeAll(async () => {
  held.served = await serveApplication()
  held.browser = await launchChromium()
}, 240_000)

afterAll(async () => {
  await held.browser?.close()
  held.served?.close()
})

/** The mean difference of two pictures, 0 to 255, seen from far away. */
function differenceOf(page: Page, one: Buffer, other: Buffer): Promise<number> {
  return page.evaluate(
    async ({ pictures, cells }) => {
      const seen = await Promise.all(
        pictures.map(async picture => {
          const bytes = Uint8Array.from(atob(picture), letter => letter.charCodeAt(0))
          const image = await createImageBitmap(new Blob([bytes], { type: 'image/png' }), {
            resizeWidth: cells,
            resizeHeight: cells,
            resizeQuality: 'high',
          })
          const context = new OffscreenCanvas(cells, cells).getContext('2d')
          context?.drawImage(image, 0, 0)
          return context?.getImageData(0, 0, cells, cells).data ?? new Uint8ClampedArray()
        }),
      )
      const [a, b] = seen
      if (!a || !b) return 255
      return a.reduce((sum, value, index) => sum + Math.abs(value - (b[index] ?? 0)), 0) / a.length
    },
    { pictures: [one.toString('base64'), other.toString('base64')], cells: CELLS },
  )
}

it.each(['light', 'dark'] as const)(
  'the four zoom levels look as their pictures do in %s',
  async colorScheme => {
    const context = await held.browser!.newContext({ viewport: { width: 1280, height: 800 }, colorScheme })
    const page = await context.newPage()
    await page.goto(`${held.served!.url}#/r/${encodeURIComponent('two-services/two-services.sim.yaml')}`)
    await page.getByText('checks').first().waitFor({ state: 'attached', timeout: 60_000 })
    await page.keyboard.press('n')
    await page.keyboard.press('ArrowLeft')
    await page.waitForTimeout(6_000)
    for (const level of [1, 2, 3, 4]) {
      await page.keyboard.press(String(level))
      await page.waitForTimeout(1_500)
      const now = await page.getByRole('main').screenshot()
      const file = `${FOLDER}/level-${level}-${colorScheme}.png`
      if (process.env.GLASSMESH_PICTURES === 'write') {
        mkdirSync(FOLDER, { recursive: true })
        writeFileSync(file, now)
      }
      expect(existsSync(file), `${file} is missing`).toBe(true)
      expect(statSync(file).size, file).toBeLessThanOrEqual(MOST_BYTES)
      expect(await differenceOf(page, readFileSync(file), now), file).toBeLessThan(DIFFERENCE)
    }
    await context.close()
  },
)
