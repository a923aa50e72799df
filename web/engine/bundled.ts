/** Scenarios that come with the application: folder → its files by path, read when asked for. */
const texts = import.meta.glob<string>('../../scenarios/*/**/*.{yaml,csv}', {
  query: '?raw',
  import: 'default',
})

const nameOf = (path: string) => path.replace('../../scenarios/', '')

/** Paths of the bundled scenario files, `bookinfo/canary.sim.yaml`, in order. */
export const bundledScenarios: readonly string[] = Object.keys(texts)
  .map(nameOf)
  .filter(path => path.endsWith('.sim.yaml'))
  .sort()

/** All files of the folder that a bundled scenario is in. */
export async function bundledFiles(scenario: string): Promise<Readonly<Record<string, string>>> {
  const folder = `${scenario.split('/')[0]}/`
  const wanted = Object.entries(texts).filter(([path]) => nameOf(path).startsWith(folder))
  return Object.fromEntries(
    await Promise.all(wanted.map(async ([path, read]) => [nameOf(path), await read()] as const)),
  )
}
