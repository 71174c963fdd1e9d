// The window that a frame in another tool opens: when somebody is signed in, the frame, and no other page, gets a token.
(() => {
  const box = document.querySelector('[data-reader]'), asked = new URLSearchParams(location.search)
  const hand = async () => {
    if (!window.opener) {
      box.querySelector('[data-when="no-frame"]').hidden = false
      return
    }
    const answer = await fetch('/embed/token', { method: 'POST', body: new URLSearchParams({ origin: asked.get('origin') }) })
    if (!answer.ok) return
    const { token, seconds } = await answer.json()
    // Browsers give it to nobody but a page of our own.
    window.opener.postMessage({ type: 'rapport.token', state: asked.get('state'), token, seconds }, location.origin)
    window.close()
  }
  const wait = async () => {
    try { if ((await fetch('/embed/allow/in')).ok) return location.reload() } catch { /* asked again */ }
    setTimeout(wait, 1000)
  }
  if (box?.dataset.reader) hand()
  else if (box) wait()
})()
