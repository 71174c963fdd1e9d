// The list of events as they come: rows are the server's HTML; here they are kept waiting while somebody reads.
addEventListener('DOMContentLoaded', () => {
  const [list, empty, sample, state, pause, figures] = ['events', 'no-events', 'sample', 'live-state', 'pause', 'figures'].map(id => document.getElementById(id))
  const SHOWN = 200
  const WAITING = 500
  let source = null, over = false, paused = false, waiting = [], left = 0, told = null

  const clock = new Intl.DateTimeFormat(document.documentElement.lang || undefined, { timeStyle: 'medium' })
  const say = () => {
    if (!told) return
    const parts = [told.trouble || sample.dataset.words.replace('{shown}', told.shown).replace('{came}', told.came)]
    if (paused) parts.push(sample.dataset.waiting.replace('{waiting}', waiting.length))
    if (left) parts.push(sample.dataset.leftOut.replace('{left}', left))
    const text = parts.join(' · ')
    if (sample.textContent !== text) sample.textContent = text
    state.textContent = !source || told.trouble ? state.dataset.away : paused ? state.dataset.paused : told.reading ? `● ${state.dataset.live}` : ''
  }
  const show = html => {
    list.insertAdjacentHTML('afterbegin', html)
    const time = list.firstElementChild.querySelector('summary time')
    if (time) { time.title = time.dateTime; time.textContent = clock.format(new Date(time.dateTime)) }
    empty.hidden = true
    for (let row = list.children[SHOWN]; row; row = list.children[SHOWN]) row.remove()
  }
  const setPaused = to => {
    paused = to
    pause.setAttribute('aria-pressed', String(to))
    pause.textContent = to ? pause.dataset.goOn : pause.dataset.pause
    if (!to) { waiting.forEach(show); waiting = [] }
    say()
  }
  const connect = () => {
    if (source || over) return
    source = new EventSource(list.dataset.stream)
    const tell = name => list.dispatchEvent(new CustomEvent(name, { bubbles: true }))
    const end = () => { over = true; source?.close(); source = null; tell('ended'); say() }
    for (const name of ['open', 'row', 'sample']) source.addEventListener(name, () => tell('live:heard'))
    source.addEventListener('row', event => {
      if (!paused) return show(event.data)
      waiting.push(event.data)
      if (waiting.length > WAITING) { waiting.shift(); left++ }
    })
    source.addEventListener('figures', event => { if (!figures.contains(document.activeElement)) figures.innerHTML = event.data })
    source.addEventListener('sample', event => { told = JSON.parse(event.data); say() })
    source.addEventListener('ended', end)
    source.addEventListener('error', () => {
      if (source?.readyState === EventSource.CLOSED) return end() // refused: a browser does not try that again
      tell('live:lost')
      if (told) { told.reading = false; say() }
    })
  }
  // A hidden page gives its connection back: a browser has six of them for one address.
  document.addEventListener('visibilitychange', () => {
    if (document.hidden) { source?.close(); source = null; say() } else connect()
  })
  pause.addEventListener('click', () => setPaused(!paused))
  // Who opens a row wants to read it, not to see it move away.
  list.addEventListener('toggle', event => { if (event.target.open && !paused) setPaused(true) }, true)
  connect()
})
