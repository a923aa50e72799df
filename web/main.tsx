import { createRoot } from 'react-dom/client'
import { App } from './views/app.tsx'

const root = document.getElementById('root')
if (root) createRoot(root).render(<App />)

if (import.meta.env.PROD && 'serviceWorker' in navigator)
  void navigator.serviceWorker.register('./offline.js').catch(() => {
    // Without it the application needs its server; nothing else changes.
  })
