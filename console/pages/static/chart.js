// Charts: the figures are in the page, beside a table of the same; this only draws them.
addEventListener('DOMContentLoaded', () => {
  const strokes = ['#2f6fde', '#c2571a', '#1b8a5a', '#8a3fb0', '#b03060', '#6b7280', '#0e8f9e', '#a38200']
  document.querySelectorAll('.chart[data-chart]').forEach(place => {
    const { at, models, values } = JSON.parse(place.dataset.chart)
    const axis = { stroke: getComputedStyle(place).color, grid: { stroke: 'rgba(128,128,128,.2)' } }
    const series = models.map((label, number) => ({ label, stroke: strokes[number % strokes.length], width: 2, spanGaps: true, points: { show: at.length < 40 } }))
    const size = () => ({ width: Math.max(place.clientWidth, 200), height: 260 })
    const plot = new uPlot({ ...size(), series: [{}, ...series], axes: [axis, axis], legend: { live: true } }, [at, ...values], place)
    addEventListener('resize', () => plot.setSize(size()))
  })
})
