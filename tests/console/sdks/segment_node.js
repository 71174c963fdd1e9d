// The six calls through @segment/analytics-node: URL and write key as arguments, its errors as JSON lines.
const { Analytics } = require('@segment/analytics-node')

const [host, writeKey] = process.argv.slice(2)
const analytics = new Analytics({ host, writeKey, flushInterval: 200 })
analytics.on('error', (error) => console.log(JSON.stringify(`${error.code} ${error.reason}`)))
analytics.identify({ userId: 'u1', traits: { email: 'a@example.com', age: 30 } })
analytics.track({ userId: 'u1', event: 'Order Completed', properties: { order_id: 'o1', total: 27.5, currency: 'EUR' } })
analytics.page({ userId: 'u1', category: 'shop', name: 'Home', properties: { url: 'https://shop.example/' } })
analytics.screen({ userId: 'u1', category: 'shop', name: 'Start', properties: { tab: 1 } })
analytics.group({ userId: 'u1', groupId: 'g1', traits: { name: 'Example' } })
analytics.alias({ previousId: 'a1', userId: 'u1' })
analytics.closeAndFlush({ timeout: 60000 })
