import { createHash } from 'node:crypto'
import { chmodSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { defineConfig } from 'vitest/config'
import { modelFacts } from './web/model-facts.ts'

/** The programs that run on Node: the command line, and what developers run from a checkout. */
const programs = {
  glassmesh: 'sim-core/cli/main.ts',
  index: 'sim-core/index.ts',
  oracle: 'test/oracle/scoreboard.ts',
  bench: 'test/bench/bench.ts',
  record: 'web/engine/record.ts',
}

/** `npx glassmesh` runs the file itself, so it must be allowed to run. */
const executable = {
  name: 'executable',
  writeBundle: () => chmodSync('dist/glassmesh.js', 0o755),
}

const core = join(import.meta.dirname, 'sim-core')

/** The page about the model is made from the engine's own comments whenever the application is built. */
const aboutTheModel = {
  name: 'about-the-model',
  load: (id: string) =>
    id.endsWith('/web/views/model-told.ts')
      ? `export const told = ${JSON.stringify(
          modelFacts(
            readdirSync(core, { recursive: true, encoding: 'utf8' })
              .filter(path => path.endsWith('.ts') && !path.startsWith('cli/'))
              .sort()
              .map(path => ({
                path: path.replaceAll('\\', '/'),
                text: readFileSync(join(core, path), 'utf8'),
              })),
          ),
        )}`
      : undefined,
}

/** The start page's story is run when the application is built, by the engine that `npm run build:cli` has made, so that the page can tell it before the engine has been loaded. */
const recordedStory = {
  name: 'recorded-story',
  apply: 'build' as const,
  async generateBundle(this: { emitFile(file: object): string }) {
    const folder = join(import.meta.dirname, 'scenarios/two-services')
    const files = Object.fromEntries(
      readdirSync(folder).map(name => [`two-services/${name}`, readFileSync(join(folder, name), 'utf8')]),
    )
    const engine = pathToFileURL(join(import.meta.dirname, 'dist/record.js')).href
    const { recordRun } = await import(engine)
    const source = JSON.stringify(recordRun(files, 'two-services/two-services.sim.yaml'))
    this.emitFile({ type: 'asset', fileName: 'story.json', source })
  },
}

/** Lets the application start without a network: names every file of the build to its service worker. */
const offline = {
  name: 'offline',
  apply: 'build' as const,
  generateBundle(
    this: { emitFile(file: object): string },
    _: unknown,
    bundle: Readonly<Record<string, unknown>>,
  ) {
    const files = ['./', 'icon.svg', ...Object.keys(bundle).filter(file => !file.endsWith('.map'))].sort()
    const worker = readFileSync(join(import.meta.dirname, 'web/offline-worker.js'), 'utf8')
    const version = createHash('sha256').update(JSON.stringify(files)).digest('hex').slice(0, 12)
    const source = `const VERSION = '${version}'\nconst FILES = ${JSON.stringify(files)}\n${worker}`
    this.emitFile({ type: 'asset', fileName: 'offline.js', source })
  },
}

/** One configuration for three builds: the application (default), the Node programs (`--mode cli`), the tests. */
export default defineConfig(({ mode }) =>
  mode === 'cli'
    ? {
        plugins: [executable],
        build: {
          ssr: true,
          outDir: 'dist',
          emptyOutDir: false,
          target: 'node20',
          minify: false,
          sourcemap: true,
          rolldownOptions: {
            input: programs,
            output: { entryFileNames: '[name].js', chunkFileNames: 'chunks/[name]-[hash].js' },
          },
        },
        ssr: { noExternal: true },
      }
    : {
        root: 'web',
        cacheDir: '../dist/vite',
        base: './',
        build: { outDir: '../dist/app', emptyOutDir: true },
        plugins: [aboutTheModel, recordedStory, offline],
        worker: { format: 'es' },
        test: { root: '.', include: ['test/**/*.test.ts'], testTimeout: 60_000, hookTimeout: 120_000 },
      },
)
