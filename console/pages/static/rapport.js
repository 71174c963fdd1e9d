// What pages cannot do without a script: keys, the theme, times in the viewer's zone. Everything else is the server's.
(() => {
  const root = document.documentElement
  const kept = localStorage.getItem('rapport-theme')
  if (kept) root.dataset.theme = kept

  const dark = () => (root.dataset.theme || (matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light')) === 'dark'
  document.addEventListener('click', event => {
    if (event.target.closest('[data-theme-switch]')) {
      root.dataset.theme = dark() ? 'light' : 'dark'
      localStorage.setItem('rapport-theme', root.dataset.theme)
      return
    }
    const menu = document.querySelector('details.menu[open]')
    if (menu && !menu.contains(event.target)) menu.open = false
    const row = event.target.closest('tr[data-href]')
    if (row && !event.target.closest('a, button, input, label, summary, td.pick') && !String(getSelection())) location.href = row.dataset.href
  })

  // Rows of the builder: one more, one less. What they come to is the server's.
  const changed = form => form.dispatchEvent(new Event('change', { bubbles: true }))
  document.addEventListener('change', event => {
    const choice = event.target.closest('select[data-add-row]')
    if (!choice?.value) return
    const rows = document.getElementById('rows')
    const row = rows.lastElementChild.cloneNode(true)
    row.querySelector('input').value = choice.value
    rows.append(row)
    choice.value = ''
    row.querySelector('input').focus()
  }, true)
  document.addEventListener('click', event => {
    const row = event.target.closest('[data-remove-row]')?.closest('.condition')
    if (!row) return
    const form = row.closest('form')
    if (row.parentElement.children.length > 1) row.remove()
    else row.querySelector('input').value = ''
    changed(form)
  })

  // A customer who has been joined to another one is looked at there; what is folded on phones is open elsewhere.
  document.addEventListener('htmx:after:swap', () => {
    const now = document.querySelector('#head a[data-move-to]')
    if (now) location.replace(now.href)
  })
  document.addEventListener('DOMContentLoaded', () => {
    if (matchMedia('(max-width: 600px)').matches) document.querySelectorAll('details[data-folded-on-phones]').forEach(one => { one.open = false })
  })

  // What was revealed is for this view of the page only: neither Back nor a restored tab shows it again.
  addEventListener('pagehide', () => document.querySelectorAll('[data-revealed]').forEach(one => one.replaceChildren('…')))
  addEventListener('pageshow', event => { if (event.persisted && document.querySelector('[data-revealed]')) location.reload() })

  // What is shown once only is copied by a button.
  document.addEventListener('click', async event => {
    const button = event.target.closest('[data-copy]')
    if (!button) return
    const field = document.getElementById(button.dataset.copy)
    field.select()
    try { await navigator.clipboard.writeText(field.value) } catch { document.execCommand('copy') }
    button.textContent = button.dataset.copied
  })

  // Times of the server are in UTC; a day is what the viewer calls a day.
  const format = new Intl.DateTimeFormat(root.lang || undefined, { dateStyle: 'medium', timeStyle: 'short' })
  const local = within => within.querySelectorAll('time.when').forEach(time => { time.textContent = format.format(new Date(time.dateTime)) })
  document.addEventListener('DOMContentLoaded', () => local(document))
  document.addEventListener('htmx:after:swap', () => local(document))

  // The list below the search box: the arrows choose, Enter opens what is chosen, Escape closes.
  const box = () => document.getElementById('search')
  const choices = () => [...document.querySelectorAll('#found [role="option"]')]
  const choose = n => {
    const all = choices()
    all.forEach((one, at) => { one.ariaSelected = at === n ? 'true' : 'false' })
    if (all[n]) box().setAttribute('aria-activedescendant', all[n].id)
    else box().removeAttribute('aria-activedescendant')
  }
  const shown = () => { const field = box(); if (field) { field.ariaExpanded = choices().length ? 'true' : 'false'; choose(-1) } }
  const close = () => { document.getElementById('found')?.replaceChildren(); shown() }
  document.addEventListener('htmx:after:swap', shown)
  document.addEventListener('click', event => { if (!event.target.closest('form.search')) close() })
  document.addEventListener('keydown', event => {
    if (event.target !== box() || event.isComposing) return
    const all = choices(), at = all.findIndex(one => one.ariaSelected === 'true')
    if (event.key === 'Escape') close()
    if (all.length && (event.key === 'ArrowDown' || event.key === 'ArrowUp')) {
      event.preventDefault()
      choose((at + (event.key === 'ArrowDown' ? 1 : -1) + all.length + (at < 0 && event.key === 'ArrowUp' ? 1 : 0)) % all.length)
    }
    if (event.key === 'Enter' && all[at]) { event.preventDefault(); location.href = all[at].href }
  })

  // Keys: single ones can be switched off, and none is heard in a field, in a dialog, or while a word is being composed.
  const off = () => localStorage.getItem('rapport-keys') === 'off'
  const keys = document.getElementById('keys')
  const list = () => {
    if (!keys) return
    keys.querySelector('[data-keys-switch]').checked = !off()
    keys.showModal()
  }
  keys?.addEventListener('change', event => { localStorage.setItem('rapport-keys', event.target.checked ? 'on' : 'off') })
  document.addEventListener('click', event => { if (event.target.closest('[data-keys-list]')) list() })
  let waiting = 0
  document.addEventListener('keydown', event => {
    if (event.isComposing || event.ctrlKey || event.metaKey || event.altKey || off()) return
    if (event.target.closest('input:not([type="checkbox"]), select, textarea, [contenteditable], dialog') || document.querySelector('dialog[open]')) {
      if (event.key === 'Escape') event.target.blur()
      return
    }
    if (waiting && Date.now() - waiting < 1500) {
      waiting = 0
      const place = document.querySelector(`.top a[data-key="${CSS.escape(event.key)}"]`)
      if (place) { event.preventDefault(); location.href = place.href }
      return
    }
    if (event.key === 'g') { waiting = Date.now(); return }
    if (event.key === '?') { event.preventDefault(); list(); return }
    if (event.key === '/') { event.preventDefault(); document.getElementById('search')?.focus(); return }
    if (event.key === 'j' || event.key === 'k') move(event.key === 'j' ? 1 : -1)
    if ('esar'.includes(event.key)) {
      const bar = document.querySelector('#selection:not([hidden])')
      const button = (bar || current() || document.getElementById('next'))?.querySelector(`[data-act="${event.key}"]:not(:disabled)`)
      if (button) { event.preventDefault(); button.click() }
    }
    if (event.key === 'x') current()?.querySelector('input[data-pick]')?.click()
    if (event.key === 'o' || event.key === 'Enter') {
      const row = current()
      if (row && (event.key === 'o' || event.target === row)) location.href = row.dataset.href
    }
  })

  // The row under the keyboard has the focus. If it goes away, the one that comes into its place has it.
  const rows = () => [...document.querySelectorAll('tr[data-href]')]
  const current = () => document.activeElement?.closest('tr[data-href]')
  let place = null
  const go = row => {
    row.tabIndex = -1
    row.focus({ preventScroll: true })
    row.scrollIntoView({ block: 'nearest' })
  }
  const move = by => {
    const all = rows()
    if (all.length) go(all[Math.min(all.length - 1, Math.max(0, all.indexOf(current()) + by))])
  }
  document.addEventListener('focusin', event => {
    const row = event.target.closest('tr[data-href]')
    if (row) place = { href: row.dataset.href, at: rows().indexOf(row) }
  })
  document.addEventListener('pointerdown', event => { if (!event.target.closest('tr[data-href], dialog')) place = null })
  document.addEventListener('htmx:after:swap', () => {
    if (!place || document.activeElement !== document.body || document.querySelector('dialog[open]')) return
    const all = rows()
    const row = all.find(one => one.dataset.href === place.href) || all[Math.min(place.at, all.length - 1)]
    if (row) go(row)
  })
})()
