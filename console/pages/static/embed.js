// A customer in a frame of another tool. The page around it says who the customer is, and nothing else: who looks is said by
// the token that a window of the console hands over, which is kept here, in memory, and sent as a header.
(() => {
  const { origins, token: first, seconds: lasts, zendesk } = document.body.dataset
  const known = JSON.parse(origins), main = document.getElementById('main')
  let token = '', tried = false, who = null, popup = null, state = '', renewing = 0
  delete document.body.dataset.token

  const say = name => document.querySelectorAll('[data-state]').forEach(one => { one.hidden = one.dataset.state !== name })
  const headers = () => ({ 'X-Rapport-Embed': token, 'X-Rapport-Embed-Origin': who?.origin ?? '' })
  const put = text => htmx.swap({ text, target: main, swap: 'innerHTML', sourceElement: main })

  // Whom the page means: a list of TYPE:VALUE.
  const texts = list => list.filter(one => typeof one === 'string' && one.length <= 500).slice(0, 8)
  const spelt = parts => texts(Object.entries(parts).filter(([, value]) => value && ['string', 'number'].includes(typeof value)).map(([type, value]) => `${type}:${value}`))
  const named = data => {
    if (data?.type === 'rapport.customer') {
      if (['light', 'dark'].includes(data.theme)) document.documentElement.dataset.theme = data.theme
      return texts([data.identity].flat())
    }
    if (typeof data !== 'string' || !data.includes('appContext')) return null
    try { // Chatwoot
      const { event, data: context } = JSON.parse(data)
      if (event !== 'appContext') return null
      const one = { ...context?.contact, ...context?.conversation?.meta?.sender }
      return spelt({ user_id: one.identifier, email: one.email, phone: one.phone_number })
    } catch { return null }
  }

  const out = () => {
    token = ''
    clearTimeout(renewing)
    put('')
    say(zendesk === undefined ? 'sign-in' : 'over')
  }
  const look = async () => {
    const asked = who
    if (!asked.identities.length) { put(''); return say('nobody') }
    // Chatwoot makes the frame anew for each conversation: the one before may have left a cookie for this, in pages of this site.
    if (!token && !tried && zendesk === undefined) {
      tried = true
      await ask('/embed/resume')
      if (asked !== who) return
    }
    if (!token) return out()
    try {
      const body = new URLSearchParams(asked.identities.map(one => ['identity', one]))
      const answer = await fetch('/embed/look', { method: 'POST', headers: headers(), body })
      const text = await answer.text()
      if (asked !== who) return // another customer by now
      if (answer.status === 401) return out()
      put(answer.ok ? text : '')
      say(answer.ok ? '' : { 403: 'refused', 429: 'often' }[answer.status] ?? 'away')
      if (answer.ok || answer.status === 403) return
    } catch {
      if (asked !== who) return
      say('away')
    }
    setTimeout(() => { if (asked === who) look() }, 15000)
  }
  const about = (origin, identities) => {
    if (who?.origin === origin && String(who.identities) === String(identities) && token) return // said once more
    if (who) put('')
    who = { origin, identities }
    look()
  }

  const keep = (text, seconds) => {
    token = text
    clearTimeout(renewing)
    renewing = setTimeout(renew, seconds * 800)
  }
  const ask = async address => {
    const answer = await fetch(address, { method: 'POST', headers: headers() })
    if (!answer.ok) return answer.status
    const next = await answer.json()
    keep(next.token, next.seconds)
    return 200
  }
  const renew = async () => {
    try {
      if (await ask('/embed/renew') === 401) return out()
      const live = document.getElementById('live') // its stream ends with the token before
      if (live) htmx.swap({ text: live.outerHTML, target: live, swap: 'outerHTML', sourceElement: live })
    } catch { renewing = setTimeout(renew, 15000) }
  }

  addEventListener('message', event => {
    if (event.origin === location.origin) {
      const { type, state: said, token: text, seconds } = event.data ?? {}
      if (type !== 'rapport.token' || !popup || event.source !== popup || said !== state) return
      popup = null
      keep(text, seconds)
      renew().then(() => { if (who) look() })
      return
    }
    if (!known.includes(event.origin)) return
    const identities = named(event.data)
    if (identities) about(event.origin, identities)
  })
  document.addEventListener('click', event => {
    if (!event.target.closest('[data-sign-in]') || !who) return
    state = [...crypto.getRandomValues(new Uint8Array(16))].map(one => one.toString(16).padStart(2, '0')).join('')
    popup = open(`/embed/allow?${new URLSearchParams({ origin: who.origin, state })}`, 'rapport-sign-in', 'popup,width=480,height=640')
  })

  // What htmx asks, it asks by the token.
  document.addEventListener('htmx:config:request', event => Object.assign(event.detail.ctx.request.headers, headers()))
  document.addEventListener('htmx:response:error', event => { if (event.detail.ctx?.response?.status === 401) out() })
  document.addEventListener('ended', out)
  document.addEventListener('htmx:sse:error', event => [401, 403].includes(event.detail.status) ? out() : say('away'))
  document.addEventListener('htmx:sse:before:message', () => { if (token) say('') })
  document.addEventListener('htmx:after:swap', () => { if (main.querySelector('[data-moved]') && who) look() })

  if (zendesk !== undefined) {
    keep(first, Number(lasts))
    const client = window.ZAFClient?.init()
    const name = async () => {
      const { 'ticket.requester': one } = await client.get('ticket.requester')
      about(known[0], spelt({ user_id: one?.externalId, email: one?.email }))
    }
    client?.on('app.registered', name)
    client?.on('ticket.requester.id.changed', name)
    client?.invoke('resize', { width: '100%', height: '640px' })
  } else if (parent !== window) {
    parent.postMessage({ type: 'rapport.ready' }, '*')
    parent.postMessage('chatwoot-dashboard-app:fetch-info', '*')
  }
})()
