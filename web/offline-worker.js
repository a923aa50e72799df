// Put behind the list of files by the build. Files are kept when the worker is installed; the network is asked first for
// the page itself, so that a new build is seen at once, and the copies answer when there is none.
const NAME = `glassmesh-${VERSION}`

self.addEventListener('install', event => {
  event.waitUntil(caches.open(NAME).then(cache => cache.addAll(FILES)))
  self.skipWaiting()
})

self.addEventListener('activate', event => {
  const forgetOthers = caches
    .keys()
    .then(names =>
      Promise.all(
        names.filter(name => name.startsWith('glassmesh-') && name !== NAME).map(name => caches.delete(name)),
      ),
    )
  event.waitUntil(forgetOthers.then(() => self.clients.claim()))
})

self.addEventListener('fetch', event => {
  const { request } = event
  const isOurs = request.method === 'GET' && request.url.startsWith(self.registration.scope)
  if (!isOurs || request.url.endsWith('local.json')) return
  const copy = () => caches.match(request, { ignoreSearch: true })
  if (request.mode === 'navigate') event.respondWith(fetch(request).catch(() => caches.match('./')))
  else event.respondWith(copy().then(kept => kept ?? fetch(request)))
})
