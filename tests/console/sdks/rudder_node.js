// The six calls through @rudderstack/rudder-sdk-node: URL and write key as arguments, its errors as JSON lines.
const Analytics = require('@rudderstack/rudder-sdk-node')

const [dataPlaneUrl, writeKey] = process.argv.slice(2)
const say = (error) => console.log(JSON.stringify(String(error)))
const client = new Analytics(writeKey, { dataPlaneUrl, flushInterval: 200, errorHandler: say })
client.identify({ userId: 'u1', traits: { email: 'a@example.com', age: 30 } })
client.track({ userId: 'u1', event: 'Order Completed', properties: { order_id: 'o1', total: 27.5, currency: 'EUR' } })
client.page({ userId: 'u1', category: 'shop', name: 'Home', properties: { url: 'https://shop.example/' } })
client.screen({ userId: 'u1', category: 'shop', name: 'Start', properties: { tab: 1 } })
client.group({ userId: 'u1', groupId: 'g1', traits: { name: 'Example' } })
client.alias({ previousId: 'a1', userId: 'u1' })
client.flush()
