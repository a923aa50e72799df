import { spawn } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { Worker as Thread } from 'node:worker_threads'
import axe from 'axe-core'
import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { Served } from '../../sim-core/cli/serve.ts'
import { filesOf, runByHand } from '../web/run-bundled.ts'
import { launchChromium } from './chromium.ts'
import { builtLibrary, serveApplication } from './served-application.ts'

const SCENARIO = 'two-services/two-services.sim.yaml'
const EXPLORE = `#/r/${encodeURIComponent(SCENARIO)}`
const PATIENCE = { timeout: 30_000, interval: 100 }

const held: { browser?: Browser; served?: Served; contexts: BrowserContext[] } = { contexts: [] }

beforeAll(async () => {
  held.served = await serveApplication()
  held.browser = await launchChromium()
}, 240_000)

afterEach(async () => {
  for (const context of held.contexts.splice(0)) await context.close()
})

afterAll(async () => {
  await held.browser?.close()
  held.served?.close()
})

/** A page of its own, with everything that went wrong in it. */
async function open(hash: string, options: BrowserContextOptions = {}) {
  const context = await held.browser!.newContext({ viewport: { width: 1440, height: 900 }, ...options })
  held.contexts.push(context)
  const page = await context.newPage()
  const wrong: string[] = []
  const hosts = new Set<string>()
  page.on('pageerror', error => wrong.push(error.message))
  context.on('request', request => hosts.add(new URL(request.url()).host))
  await page.goto(`${held.served!.url}${hash}`)
  return { page, context, wrong, hosts }
}

/** The scenario, run to its end. */
async function explore(options: BrowserContextOptions = {}) {
  const opened = await open(EXPLORE, options)
  await opened.page.getByText('checks fail').first().waitFor({ state: 'attached', timeout: 60_000 })
  return opened
}

async function press(page: Page, ...keys: readonly string[]): Promise<void> {
  for (const key of keys) await page.keyboard.press(key)
}

const focused = (page: Page) => page.evaluate(() => document.activeElement?.textContent ?? '')
const noticed = async (page: Page) => (await page.getByRole('status').allTextContents()).join(' ')
const hopNow = (page: Page) => page.locator('aside [aria-current="step"]').first().textContent()

describe('keyboard journeys', () => {
  it('lead from a 403 to the line that decided it in three keys', async () => {
    const { page, wrong } = await explore()
    await press(page, 'n')
    await expect.poll(() => page.locator('aside').textContent(), PATIENCE).toContain('403')
    await press(page, 'w')
    await expect.poll(() => focused(page), PATIENCE).toBe('policy.yaml line 24')
    await press(page, 'Enter')
    const line = page.locator('li[aria-current="true"]')
    await expect.poll(() => line.textContent(), PATIENCE).toContain('to:')
    await press(page, 'Escape')
    await expect.poll(() => line.count(), PATIENCE).toBe(0)
    expect(wrong).toEqual([])
  })

  it('step back and forth through the hops of a request, and follow it', async () => {
    const { page } = await explore()
    await press(page, 'n')
    await expect.poll(() => hopNow(page), PATIENCE).toContain('RBAC')
    await press(page, 'ArrowLeft')
    await expect.poll(() => hopNow(page), PATIENCE).toContain('route')
    await press(page, 'ArrowRight')
    await expect.poll(() => hopNow(page), PATIENCE).toContain('RBAC')
    await press(page, 'f')
    await expect.poll(() => noticed(page), PATIENCE).toContain('Following')
  })

  it('send a request', async () => {
    const { page } = await explore()
    await press(page, 'n', 'r')
    await page.getByRole('dialog').waitFor()
    await page.getByLabel('URL').focus()
    await page.keyboard.press('Control+A')
    await page.keyboard.type('http://reviews:9080/reviews/7')
    await press(page, 'Enter')
    await expect.poll(() => page.locator('aside').textContent(), PATIENCE).toContain('GET /reviews/7 → 200')
  })

  it('only ask what would come of a request', async () => {
    const { page } = await explore()
    await press(page, 'n', 'r')
    await page.getByRole('button', { name: 'Only ask' }).press('Enter')
    await expect.poll(() => page.getByRole('dialog').textContent(), PATIENCE).toContain('It would get 403')
  })

  it('break something, and undo it', async () => {
    const { page } = await explore()
    await press(page, 'n', 'b')
    await page.getByRole('button', { name: /^Allow nobody/ }).press('Enter')
    await expect.poll(() => noticed(page), PATIENCE).toContain('Allow nobody at')
    await expect.poll(() => page.url(), PATIENCE).toContain('d=')
    await press(page, 'Control+z')
    await expect.poll(() => noticed(page), PATIENCE).toContain('Undone: apply')
    await press(page, 'Control+y')
    await expect.poll(() => noticed(page), PATIENCE).toContain('Done again: apply')
  })

  it('share a moment whose link shows the same state', async () => {
    const { page, context } = await explore({ permissions: ['clipboard-read', 'clipboard-write'] })
    await press(page, 'n', 'b')
    await page.getByRole('button', { name: /^Ten times slower/ }).press('Enter')
    await expect.poll(() => noticed(page), PATIENCE).toContain('Ten times slower at')
    await page.getByText('checks fail').first().waitFor({ state: 'attached', timeout: 60_000 })
    await press(page, 'c')
    await expect.poll(() => noticed(page), PATIENCE).toContain('in the clipboard')
    const link = await page.evaluate(() => navigator.clipboard.readText())
    const hash = new URLSearchParams(link.split('?')[1]).get('k')
    const other = await context.newPage()
    await other.goto(link)
    await expect.poll(() => noticed(other), PATIENCE).toContain(`shared: state ${hash}`)
  })

  it('list every shortcut', async () => {
    const { page } = await explore()
    await press(page, '?')
    await expect.poll(() => page.getByRole('dialog').textContent(), PATIENCE).toContain('Next problem')
    await press(page, 'Escape')
    await expect.poll(() => page.getByRole('dialog').count(), PATIENCE).toBe(0)
  })

  it('go round the regions', async () => {
    const { page } = await explore()
    const names: (string | null)[] = []
    for (let n = 0; n < 4; n++) {
      await press(page, 'F6')
      names.push(
        await page.evaluate(
          () => document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.tagName ?? null,
        ),
      )
    }
    expect(names).toEqual(expect.arrayContaining(['Mesh', 'Inspector', 'Timeline']))
  })

  it('tell the story of the start page', async () => {
    const { page } = await open('')
    await page.getByText('Hop 1 of').waitFor({ timeout: 30_000 })
    await press(page, ' ')
    await expect.poll(() => page.locator('main').textContent(), PATIENCE).toMatch(/Hop [3-9] of/)
  })
})

describe('links and files', () => {
  it('that are no good say why, and the last picture stays', async () => {
    const { page } = await explore()
    await page.evaluate(hash => {
      location.hash = hash
    }, `${EXPLORE}?v=99`)
    await expect.poll(() => noticed(page), PATIENCE).toContain('newer Glassmesh')
    expect(await page.locator('aside').textContent()).toContain('Requests')
    await page.evaluate(hash => {
      location.hash = hash
    }, `${EXPLORE}?v=1&d=cut`)
    await expect.poll(() => noticed(page), PATIENCE).toContain('cut off')
  })

  it('are refused with a sentence where they are no YAML or too new', async () => {
    const { page } = await open('')
    const input = page.locator('input[type=file]')
    await input.setInputFiles({ name: 'photo.png', mimeType: 'image/png', buffer: Buffer.from('x') })
    await expect.poll(() => noticed(page), PATIENCE).toContain('photo.png is no YAML')
    const text = 'apiVersion: glassmesh.dev/v9\nkind: Scenario\n'
    await input.setInputFiles({ name: 'new.sim.yaml', mimeType: 'text/yaml', buffer: Buffer.from(text) })
    await expect.poll(() => noticed(page), PATIENCE).toContain('glassmesh.dev/v9')
  })

  it('of one’s own are opened', async () => {
    const { page } = await open('')
    await page.locator('input[type=file]').setInputFiles('scenarios/two-services/apps.yaml')
    await expect.poll(() => page.locator('aside').textContent(), PATIENCE).toContain('brought')
  })
})

describe('glassmesh ui', () => {
  it('opens a scenario of one’s own at an instant, with its request selected', async () => {
    const file = 'scenarios/two-services/two-services.sim.yaml'
    const program = spawn(process.execPath, [
      'dist/glassmesh.js',
      'ui',
      file,
      '--at=4.6s',
      '--request=q-51',
      '--port=0',
      '--no-open',
    ])
    try {
      const said = await new Promise<string>(resolve =>
        program.stdout.once('data', data => resolve(String(data))),
      )
      const context = await held.browser!.newContext()
      held.contexts.push(context)
      const page = await context.newPage()
      await page.goto(said.trim())
      await expect.poll(() => page.locator('aside').textContent(), PATIENCE).toContain('q-51')
      await expect
        .poll(() => page.getByLabel('Scenario').inputValue(), PATIENCE)
        .toBe('two-services.sim.yaml')
    } finally {
      program.kill()
    }
  })
})

describe('the application', () => {
  it('asks no other host for anything, and starts without a network', async () => {
    const { page, context, hosts } = await explore()
    expect([...hosts]).toEqual([new URL(held.served!.url).host])
    await page.evaluate(() => navigator.serviceWorker.ready.then(() => true))
    await context.setOffline(true)
    await page.goto(held.served!.url)
    await page.getByText('Hop 1 of').waitFor({ timeout: 30_000 })
  })

  it('fits a phone', async () => {
    const phone = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true }
    for (const hash of ['', EXPLORE, '#/about/model']) {
      const { page } = await open(hash, phone)
      await page.waitForTimeout(1500)
      expect(await page.evaluate(() => document.documentElement.scrollWidth), hash).toBeLessThanOrEqual(390)
    }
  })

  it.each(['light', 'dark'] as const)('has nothing for axe to complain of in %s', async colorScheme => {
    const found: string[] = []
    const look = async (page: Page, what: string) => {
      await page.evaluate(axe.source)
      const { violations } = await page.evaluate(() => (globalThis as unknown as Axe).axe.run())
      for (const each of violations)
        found.push(`${what}: ${each.id} at ${each.nodes.map(node => node.target.join(' ')).join(', ')}`)
    }
    const { page } = await explore({ colorScheme })
    await look(page, 'paused')
    await press(page, 'n', 'w')
    await expect.poll(() => focused(page), PATIENCE).toContain('line 24')
    await press(page, 'Enter')
    await look(page, 'selected')
    for (const key of ['r', 'b', '?']) {
      await press(page, key)
      await page.getByRole('dialog').waitFor()
      await look(page, `dialog ${key}`)
      await press(page, 'Escape')
      await page.getByRole('dialog').waitFor({ state: 'detached' })
    }
    await page.getByRole('button', { name: 'Share' }).click()
    await page.getByRole('dialog').waitFor()
    await look(page, 'dialog share')
    await page.goto(`${held.served!.url}#/about/model`)
    await page.getByRole('heading', { name: 'What is simulated' }).first().waitFor()
    await look(page, 'model')
    await page.goto(`${held.served!.url}#/`)
    await page
      .getByText(/Hop \d+ of/)
      .first()
      .waitFor({ timeout: 30_000 })
    await look(page, 'start')
    expect(found).toEqual([])
  })
})

interface Axe {
  readonly axe: {
    run(): Promise<{
      readonly violations: readonly {
        readonly id: string
        readonly nodes: readonly { readonly target: readonly string[] }[]
      }[]
    }>
  }
}

describe('a run', () => {
  it('is the same in Chromium, in Node and in a thread of Node', async () => {
    const inNode = runByHand(SCENARIO, [], Number.POSITIVE_INFINITY).simulation.digest
    expect(await digestInThread()).toBe(inNode)
    const { page } = await open('')
    const worker = readdirSync('dist/app/assets').find(file => /^worker-.*\.js$/.test(file))
    const question = {
      id: 1,
      call: 'open',
      with: { run: 1, files: filesOf(SCENARIO), scenario: SCENARIO, actions: [] },
    }
    const inChromium = await page.evaluate(`new Promise(resolve => {
      const engine = new Worker('./assets/${worker}', { type: 'module' })
      engine.onmessage = ({ data }) => {
        if (data.kind === 'failed') resolve(data.message)
        if (data.kind === 'progress' && data.progress.done) resolve(data.progress.digest)
      }
      engine.postMessage(${JSON.stringify(question)})
    })`)
    expect(inChromium).toBe(inNode)
  })
})

function digestInThread(): Promise<unknown> {
  const code = `
    import(${JSON.stringify(builtLibrary())}).then(engine => {
      const { parentPort, workerData } = require('node:worker_threads')
      const { files, scenario } = workerData
      const read = engine.readScenario(scenario, files[scenario])
      const home = scenario.split('/')[0]
      const gathered = engine.gatherScenario(read.value, path => {
        const name = home + '/' + path
        return { files: { [name]: files[name] }, problems: [] }
      })
      const run = engine.createScenarioRun(gathered.value, { trace: 'all', replications: 1 })
      while (run.step());
      parentPort.postMessage(run.simulation.digest)
    })`
  return new Promise((resolve, reject) => {
    const thread = new Thread(code, {
      eval: true,
      workerData: { files: filesOf(SCENARIO), scenario: SCENARIO },
    })
    thread.once('message', resolve)
    thread.once('error', reject)
  })
}
