// Whether an open page is still told what happens. Who was signed out, or whose server is away, reads so on the page.
(() => {
  const SILENT = 75000 // ms; a stream says something every 30 s at least
  const PATIENCE = 1500 // ms in which a connection that broke may be back without a word
  let listens = false, over = false, heard = 0, waiting = 0

  const say = state => {
    clearTimeout(waiting)
    waiting = 0
    document.querySelectorAll('#not-live [data-when]').forEach(one => { one.hidden = one.dataset.when !== state })
    document.documentElement.toggleAttribute('data-not-live', Boolean(state))
  }
  const alive = () => {
    heard = Date.now()
    listens = true
    document.documentElement.toggleAttribute('data-live', true)
    if (!over) say('')
  }
  const ended = () => {
    over = true
    say('ended')
  }
  const away = () => { if (!over) waiting ||= setTimeout(say, PATIENCE, 'away') }
  const isStream = event => event.target.hasAttribute?.('hx-sse:connect')
  const isAskedAgain = event => event.target.matches?.('[hx-trigger^="every"]')

  document.addEventListener('htmx:sse:before:connection', event => {
    if (over) event.preventDefault()
    else if (event.detail.connection.attempt) away()
  })
  document.addEventListener('htmx:sse:before:message', alive)
  document.addEventListener('htmx:sse:error', event => [401, 403, 404].includes(event.detail.status) ? ended() : away())
  // The first connection is a request like others: nobody tries it again. Parts that are asked for again and again are.
  document.addEventListener('htmx:response:error', event => { if (isStream(event)) ended(); else if (isAskedAgain(event)) away() })
  document.addEventListener('htmx:error', event => { if (isAskedAgain(event)) away(); else if (isStream(event) && !listens) ended() })
  document.addEventListener('htmx:after:swap', event => { if (isAskedAgain(event)) alive() })
  // Said by the server, and by scripts that listen by themselves.
  document.addEventListener('ended', ended)
  document.addEventListener('live:heard', alive)
  document.addEventListener('live:lost', away)

  // One that was opened behind others, or left while it connected, gives its connection back once it has its first state.
  document.addEventListener('htmx:sse:before:message', () => {
    if (document.hidden) setTimeout(() => document.dispatchEvent(new Event('visibilitychange')))
  })
  // A hidden page listens to nothing; shown again, it connects anew.
  document.addEventListener('visibilitychange', () => { heard = Date.now() })
  setInterval(() => { if (listens && !document.hidden && Date.now() - heard > SILENT) away() }, 5000)
  document.addEventListener('click', event => { if (event.target.closest('[data-reload]')) location.reload() })
})()
