import { complain } from './link.ts'
import { change, openDocument, useStore } from './store.ts'

/** Files larger than this are not read, all together. */
const MOST_BYTES = 64 * 2 ** 20
/** The version of scenarios that is known here. */
const KNOWN = 'v1alpha1'

/** Opens files that somebody brought: a scenario with its manifests, or manifests alone. Says why where it cannot. */
export async function takeFiles(files: readonly File[]): Promise<void> {
  if (files.length === 0) return
  const bytes = files.reduce((sum, file) => sum + file.size, 0)
  if (bytes > MOST_BYTES)
    return complain(
      `These files have ${Math.ceil(bytes / 2 ** 20)} MiB; at most 64 MiB are read. Leave out what is not needed.`,
    )
  const strange = files.find(file => !/\.(ya?ml|json|csv)$/i.test(file.name))
  if (strange)
    return complain(
      `${strange.name} is no YAML. Bring scenarios (*.sim.yaml) and Kubernetes manifests (*.yaml, *.json).`,
    )
  const texts = Object.fromEntries(
    await Promise.all(files.map(async file => [file.name, await file.text()] as const)),
  )
  const newer = Object.entries(texts).find(([, text]) => (versionOf(text) ?? KNOWN) !== KNOWN)
  if (newer)
    return complain(
      `${newer[0]} is written for glassmesh.dev/${versionOf(newer[1])}, and this Glassmesh knows ${KNOWN}. Update to open it.`,
    )
  const scenario = Object.keys(texts).find(name => /^kind:\s*Scenario\s*$/m.test(texts[name] ?? ''))
  const path = scenario ?? 'brought.sim.yaml'
  const all = scenario === undefined ? { ...texts, [path]: scenarioOf(Object.keys(texts)) } : texts
  const { doc, view } = useStore.getState()
  change('view', draft => {
    draft.page = 'explore'
    draft.request = undefined
  })
  if (await openDocument({ files: all, path, seed: undefined, actions: [], undone: [] })) return
  change('doc', draft => {
    Object.assign(draft, doc)
  })
  change('view', draft => {
    draft.page = view.page
  })
  complain(useStore.getState().run.problem ?? `${path} could not be run.`)
}

function versionOf(text: string): string | undefined {
  return /^apiVersion:\s*["']?glassmesh\.dev\/([\w.]+)/m.exec(text)?.[1]
}

/** Manifests alone are a mesh at rest: ten seconds in which requests can be sent. */
function scenarioOf(manifests: readonly string[]): string {
  return [
    'apiVersion: glassmesh.dev/v1alpha1',
    'kind: Scenario',
    'metadata: { name: brought }',
    'spec:',
    '  description: The manifests that were brought, without traffic of their own.',
    '  mesh: { kind: istio }',
    `  manifests: ${JSON.stringify(manifests)}`,
    '  expect: {}',
    '  run: { duration: 10s, seed: 1 }',
    '',
  ].join('\n')
}

/** Takes what is dropped anywhere on the page; gives back how to let go. */
export function acceptDrops(): () => void {
  const over = (event: DragEvent) => {
    if (event.dataTransfer?.types.includes('Files')) event.preventDefault()
  }
  const drop = (event: DragEvent) => {
    const files = [...(event.dataTransfer?.files ?? [])]
    if (files.length === 0) return
    event.preventDefault()
    void takeFiles(files)
  }
  addEventListener('dragover', over)
  addEventListener('drop', drop)
  return () => {
    removeEventListener('dragover', over)
    removeEventListener('drop', drop)
  }
}
