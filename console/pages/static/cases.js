// Cases: which a decision is about, one or all that are selected; its dialogs; what became of it.
(() => {
  const selected = new Set() // ids; the page is told anew again and again, and what was chosen stays so
  let last = null // the id that was chosen last: a click with shift chooses all from there
  let asked = [] // the ids that a decision was sent for
  const bar = document.getElementById('selection')
  const picks = () => [...document.querySelectorAll('input[data-pick]')]

  const show = () => {
    if (!bar) return
    const all = picks()
    for (const one of all) {
      one.checked = selected.has(one.value)
      one.closest('tr').toggleAttribute('data-selected', one.checked)
    }
    const here = all.filter(one => one.checked).length
    const head = document.querySelector('input[data-pick-all]')
    if (head) {
      head.checked = here > 0 && here === all.length
      head.indeterminate = here > 0 && here < all.length
    }
    bar.hidden = !selected.size
    const words = bar.querySelector('[data-words]')
    const parts = [words.dataset.words.replace('{num}', selected.size)]
    if (selected.size > here) parts.push(words.dataset.elsewhere.replace('{num}', selected.size - here))
    if (words.textContent !== parts.join(' · ')) words.textContent = parts.join(' · ')
  }
  const choose = (boxes, on) => {
    for (const one of boxes) on ? selected.add(one.value) : selected.delete(one.value)
    show()
  }
  const pick = (box, on, ranged) => {
    const all = picks(), from = all.findIndex(one => one.value === last), to = all.indexOf(box)
    last = box.value
    choose(ranged && from >= 0 ? all.slice(Math.min(from, to), Math.max(from, to) + 1) : [box], on)
  }
  const fill = (form, ids) => {
    const fields = ids.map(id => Object.assign(document.createElement('input'), { type: 'hidden', name: 'case', value: id }))
    form.querySelector('[data-cases]').replaceChildren(...fields)
    const many = form.querySelector('[data-many]')
    if (many) many.textContent = ids.length > 1 ? `× ${ids.length}` : ''
  }

  document.addEventListener('click', event => {
    const cell = event.target.closest('td.pick')
    if (cell) {
      const box = cell.querySelector('input')
      if (event.target !== box) box.checked = !box.checked
      pick(box, box.checked, event.shiftKey)
    }
    if (event.target.matches('input[data-pick-all]')) choose(picks(), event.target.checked)
    if (event.target.closest('[data-unselect]')) choose([...selected].map(value => ({ value })), false)
    if (event.target.closest('[data-dismiss]')) document.getElementById('decided').replaceChildren()
    const opener = event.target.closest('[data-dialog]')
    if (opener) {
      const dialog = document.getElementById(opener.dataset.dialog)
      dialog.querySelector('form').reset()
      fill(dialog, 'ofSelected' in opener.dataset ? [...selected] : [opener.dataset.case])
      dialog.showModal()
    }
    if (event.target.closest('[data-close]')) event.target.closest('dialog').close()
  })
  // With shift, a browser would mark the text between.
  document.addEventListener('mousedown', event => { if (event.shiftKey && event.target.closest('td.pick')) event.preventDefault() })
  document.addEventListener('keydown', event => {
    if (event.key === 'Enter' && event.target.matches('dialog select')) { // as in a field; a list would open
      event.preventDefault()
      event.target.form.requestSubmit()
    }
    if (event.key !== 'Escape' || !selected.size || document.querySelector('dialog[open]') || event.target.matches('input[type="search"]')) return
    choose([...selected].map(value => ({ value })), false)
  })

  document.addEventListener('submit', event => {
    if ('ofSelected' in event.target.dataset) fill(event.target, [...selected])
    asked = new FormData(event.target).getAll('case')
  }, true)
  document.addEventListener('submit', event => setTimeout(() => event.target.closest('dialog')?.close()))
  document.addEventListener('htmx:after:swap', () => {
    const answer = document.querySelector('#decided [data-decided]:not([data-seen])')
    if (answer) {
      answer.toggleAttribute('data-seen', true)
      for (const id of asked) selected.delete(id)
    }
    show()
  })
})()
