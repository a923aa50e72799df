import { createRoot } from 'react-dom/client'
import { App } from './views/app.tsx'

const root = document.getElementById('root')
if (root) createRoot(root).render(<App />)

/** The application is kept for times without a network once somebody has begun to use it, so that its first scene has the line for itself. */
const keep = () =>
  navigator.serviceWorker.register('./offline.js').catch(() => {
    // Without it the application needs its server; nothing else changes.
  })

if (import.meta.env.PROD && 'serviceWorker' in navigator) {
  const used = new AbortController()
  const later = () => {
    used.abort()
    setTimeout(() => void keep(), 2000)
  }
  for (const sign of ['keyup', 'pointerup'])
    addEventListener(sign, later, { once: true, signal: used.signal })
  setTimeout(() => used.signal.aborted || later(), 10_000)
}
