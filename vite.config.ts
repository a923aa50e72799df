import { chmodSync } from 'node:fs'
import { defineConfig } from 'vitest/config'

/** The programs that run on Node: the command line, and what developers run from a checkout. */
const programs = {
  glassmesh: 'sim-core/cli/main.ts',
  index: 'sim-core/index.ts',
  oracle: 'test/oracle/scoreboard.ts',
  bench: 'test/bench/bench.ts',
}

/** `npx glassmesh` runs the file itself, so it must be allowed to run. */
const executable = {
  name: 'executable',
  writeBundle: () => chmodSync('dist/glassmesh.js', 0o755),
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
        worker: { format: 'es' },
        test: { root: '.', include: ['test/**/*.test.ts'], testTimeout: 60_000, hookTimeout: 120_000 },
      },
)
